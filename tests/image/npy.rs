//! NumPy files: what is written, what is read, and what is refused.

use std::fs;

use agf::image::{ImageError, Map, NpyInputs, NpyProblem, write_npy};

use crate::Random;

/// A version 1 file: this header text, padded as NumPy does, and the data.
fn file(header: &str, data: &[u8]) -> Vec<u8> {
    let padding = 63 - (10 + header.len()) % 64;
    let text = format!("{header}{}\n", " ".repeat(padding));
    let length = (text.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\0", &length[..], text.as_bytes(), data].concat()
}

fn header(dtype: &str, fortran: &str, shape: &str) -> String {
    format!("{{'descr': '{dtype}', 'fortran_order': {fortran}, 'shape': {shape}, }}")
}

fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

/// The file of these bytes, and the values of all its inputs.
fn read(bytes: &[u8]) -> Result<(NpyInputs, Vec<f32>), ImageError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("batch.npy");
    fs::write(&path, bytes).unwrap();
    let mut inputs = NpyInputs::open(&path)?;
    let mut values = Vec::new();
    for index in 0..inputs.count() {
        values.extend(inputs.read(index)?);
    }
    Ok((inputs, values))
}

fn problem(bytes: &[u8]) -> NpyProblem {
    let error = read(bytes).unwrap_err();
    println!("{error}");
    assert!(error.to_string().contains("batch.npy"));
    match error {
        ImageError::Npy { problem, .. } => problem,
        other => panic!("{other}"),
    }
}

#[test]
fn a_map_is_written_as_numpy_would() {
    let mut random = Random::seeded();
    let values: Vec<f32> = (0..35).map(|_| random.signed()).collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("map.npy");
    write_npy(&path, &Map::new(&values, 5, 7).unwrap()).unwrap();
    let bytes = fs::read(&path).unwrap();
    assert!(bytes.ends_with(&floats(&values)));
    let text = String::from_utf8_lossy(&bytes[10..bytes.len() - 35 * 4]).replace(' ', "");
    assert!(text.contains("'<f4'") && text.contains("(5,7"), "{text}");
    assert!(text.contains("'fortran_order':False"), "{text}");
    assert_eq!((bytes.len() - 35 * 4) % 16, 0);
}

#[test]
fn a_batch_reads_back() {
    let mut random = Random::seeded();
    let values: Vec<f32> = (0..2 * 3 * 4 * 5).map(|_| random.signed()).collect();
    let bytes = file(&header("<f4", "False", "(2, 3, 4, 5)"), &floats(&values));
    let (mut inputs, found) = read(&bytes).unwrap();
    assert_eq!((inputs.count(), inputs.height(), inputs.width()), (2, 4, 5));
    assert_eq!(found, values);
    assert_eq!(inputs.read(1).unwrap(), values[60..]);
    assert_eq!(inputs.read(0).unwrap(), values[..60]);
    assert!(matches!(inputs.read(2), Err(ImageError::Read { .. })));
}

#[test]
fn each_fault_has_its_own_problem() {
    let data = floats(&[0.5; 12]);
    let with = |dtype: &str, fortran: &str, shape: &str| problem(&file(&header(dtype, fortran, shape), &data));
    use NpyProblem as P;
    assert!(matches!(with("<f8", "False", "(1, 3, 2, 2)"), P::Dtype(_)));
    assert!(matches!(with(">f4", "False", "(1, 3, 2, 2)"), P::Dtype(_)));
    assert!(matches!(with("|u1", "False", "(1, 3, 2, 2)"), P::Dtype(_)));
    assert!(matches!(with("|O", "False", "(1, 3, 2, 2)"), P::Dtype(_)));
    let fortran = with("<f4", "True", "(1, 3, 2, 2)");
    assert!(matches!(fortran, P::FortranOrder));
    assert!(matches!(with("<f4", "False", "(3, 2, 2)"), P::Rank(_)));
    assert!(matches!(with("<f4", "False", "()"), P::Rank(_)));
    let channels = with("<f4", "False", "(1, 2, 2, 3)");
    assert!(matches!(channels, P::Channels(_)));
    assert!(matches!(with("<f4", "False", "(0, 3, 2, 2)"), P::NoValues(_)));
    let large = with("<f4", "False", "(1000000, 3, 2000, 2000)");
    assert!(matches!(large, P::Length { found: 48, .. }));
    let short = with("<f4", "False", "(1, 3, 2, 1)");
    assert!(matches!(short, P::Length { claimed: 24, found: 48 }));
    let wide = file(&header("<f4", "False", "(1, 3, 1, 16385)"), &vec![0; 12 * 16_385]);
    assert!(matches!(problem(&wide), P::TooLarge(_)));
}

#[test]
fn truncated_files_are_refused_at_every_length() {
    let whole = file(&header("<f4", "False", "(1, 3, 2, 2)"), &floats(&[0.5; 12]));
    assert!(read(&whole).is_ok());
    for length in 0..whole.len() {
        problem(&whole[..length]);
    }
    problem(&[&whole[..], b"x"].concat());
}

#[test]
fn values_that_are_not_finite_are_located() {
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut values = [0.5; 2 * 3 * 4 * 5];
        values[((3 + 2) * 4 + 1) * 5 + 3] = value;
        let bytes = file(&header("<f4", "False", "(2, 3, 4, 5)"), &floats(&values));
        let found = problem(&bytes);
        assert!(matches!(found, NpyProblem::NotFinite { index: [1, 2, 1, 3], .. }));
    }
}

#[test]
fn hostile_headers_are_refused() {
    let texts = [
        header("<f4", "False", "(18446744073709551615, 3, 9, 9)"),
        header("<f4", "False", "(0, 4294967296, 4294967296, 4294967296)"),
        header("<f4", "False", "(99999999999999999999999, 3, 1, 1)"),
        header("<f4", "False", "(0xFFFFFFFFFFFFFFFF, 3, 0xFFFF, 1)"),
        header("<f4", "False", "(-1, 3, 1, 1)"),
        header("<f4", "False", "(1.5, 3, 1, 1)"),
        "(".repeat(900),
        "[".repeat(900),
        "{".repeat(900),
        "{'a':{{'a':{".to_owned() + &"'a':1,".repeat(150),
        "{(((".to_owned() + &"'a',".repeat(230),
        "no dictionary".to_owned(),
        String::new(),
    ];
    for text in texts {
        assert!(matches!(problem(&file(&text, &[])), NpyProblem::Header(_)));
    }
    let claims_4_gib = b"\x93NUMPY\x02\0\xFF\xFF\xFF\xFF{}".to_vec();
    assert!(matches!(problem(&claims_4_gib), NpyProblem::Header(_)));
    assert!(matches!(problem(b"PNG?"), NpyProblem::Header(_)));

    let mut random = Random::seeded();
    let whole = file(&header("<f4", "False", "(1, 3, 2, 2)"), &floats(&[0.5; 12]));
    for _ in 0..300 {
        let mut bytes = whole.clone();
        bytes[random.below(0, 90) as usize] = random.bits() as u8;
        let _ = read(&bytes);
    }
}

/// The parser of headers takes seconds for these, and hours for longer ones.
#[test]
fn brackets_do_not_hide_in_strings() {
    let hidden = [r"{'}':", r"{'])}': ('a', {'b)': ", r"{'''}''':", r"{'\'}':", r#"{"}":"#, r#"{"'":"#];
    for text in hidden.map(|text| text.repeat(9)) {
        let NpyProblem::Header(words) = problem(&file(&text, &[])) else { panic!("{text} is no header") };
        assert!(words.contains("nested too deeply") || words.contains("quotes"), "{text}: {words}");
    }
}

#[test]
fn a_missing_file_is_a_read_error() {
    let error = NpyInputs::open("absent/batch.npy").unwrap_err();
    assert!(matches!(error, ImageError::Read { .. }));
    assert!(error.to_string().contains("absent/batch.npy"));
}
