//! Comparisons of vectors that fail on NaN and say on failure where, by how much, and how often two results differ.

/// Number types that comparisons accept.
pub trait Number: Copy + Into<f64> {}
impl Number for f32 {}
impl Number for f64 {}

/// Lowest cosine similarity that any explanation must exceed.
pub const COSINE: f64 = 0.998;

/// How far one element may be off: `absolute + relative * |expected|`.
#[derive(Clone, Copy, Debug)]
pub struct Tolerance {
    pub absolute: f64,
    pub relative: f64,
}

/// `|a - b| / |b|` in the Euclidean norm; 0 where both are all zero.
pub fn relative_l2(actual: &[impl Number], expected: &[impl Number]) -> f64 {
    let pairs = || actual.iter().zip(expected).map(|(&a, &e)| (a.into(), e.into()));
    let error: f64 = pairs().map(|(a, e): (f64, f64)| (a - e).powi(2)).sum();
    let norm: f64 = pairs().map(|(_, e): (f64, f64)| e.powi(2)).sum();
    if error == 0.0 { 0.0 } else { (error / norm).sqrt() }
}

/// Cosine of the angle between two vectors; 1 where both are all zero.
pub fn cosine(actual: &[impl Number], expected: &[impl Number]) -> f64 {
    let pairs = || actual.iter().zip(expected).map(|(&a, &e)| (a.into(), e.into()));
    let product: f64 = pairs().map(|(a, e): (f64, f64)| a * e).sum();
    let [of_a, of_e] = pairs().fold([0.0, 0.0], |[x, y], (a, e): (f64, f64)| [x + a * a, y + e * e]);
    if of_a == 0.0 && of_e == 0.0 { 1.0 } else { product / (of_a * of_e).sqrt() }
}

/// Demands that every element is within `tolerance` of the expected one.
#[track_caller]
pub fn assert_close(what: &str, actual: &[impl Number], expected: &[impl Number], tolerance: Tolerance) {
    assert_eq!(actual.len(), expected.len(), "{what}: number of elements");
    let is_off = |index: &usize| {
        let (a, e): (f64, f64) = (actual[*index].into(), expected[*index].into());
        let is_within = (a - e).abs() <= tolerance.absolute + tolerance.relative * e.abs();
        !(is_within || a == e)
    };
    let off: Vec<usize> = (0..actual.len()).filter(is_off).collect();
    if let Some(&first) = off.first() {
        let (a, e): (f64, f64) = (actual[first].into(), expected[first].into());
        let (count, l2) = (off.len(), relative_l2(actual, expected));
        let length = actual.len();
        panic!(
            "{what}: {count} of {length} elements are off, first [{first}]: {a:e}, expected {e:e} ({tolerance:?}); \
             relative L2 {l2:e}"
        );
    }
}

/// Demands a relative L2 error of at most `limit`; gives the error.
#[track_caller]
pub fn assert_relative_l2(what: &str, actual: &[impl Number], expected: &[impl Number], limit: f64) -> f64 {
    assert_eq!(actual.len(), expected.len(), "{what}: number of elements");
    let l2 = relative_l2(actual, expected);
    assert!(l2 <= limit, "{what}: relative L2 {l2:e} is above {limit:e}; {}", worst(actual, expected));
    l2
}

/// Demands a relative L2 error of at most `limit` and a cosine similarity above [`COSINE`]; gives both.
#[track_caller]
pub fn assert_similar(what: &str, actual: &[impl Number], expected: &[impl Number], limit: f64) -> (f64, f64) {
    let l2 = assert_relative_l2(what, actual, expected, limit);
    let cosine = cosine(actual, expected);
    let worst = || worst(actual, expected);
    assert!(cosine > COSINE, "{what}: cosine {cosine} is not above {COSINE}, relative L2 {l2:e}; {}", worst());
    (l2, cosine)
}

/// The element with the largest error (a NaN first), as text, and the number of elements off by more than a thousandth.
fn worst(actual: &[impl Number], expected: &[impl Number]) -> String {
    let pairs = actual.iter().zip(expected).map(|(&a, &e)| (a.into(), e.into()));
    let pairs: Vec<(f64, f64)> = pairs.collect();
    let size = |index: usize| {
        let error = (pairs[index].0 - pairs[index].1).abs();
        if error.is_nan() { f64::INFINITY } else { error }
    };
    let index = (0..pairs.len()).max_by(|&a, &b| size(a).total_cmp(&size(b))).unwrap_or(0);
    let within = pairs.iter().filter(|(a, e)| (a - e).abs() <= 1e-3 * e.abs()).count();
    let off = pairs.len() - within;
    let (a, e) = pairs[index];
    format!("worst [{index}]: {a:e}, expected {e:e}; {off} of {} elements are off by more than 0.1 %", pairs.len())
}
