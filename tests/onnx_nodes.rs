//! ONNX's own tests of single operations, as `tools/onnx_nodes.py --keep` puts them between a picture and logits: what
//! files say is what the reference in f64 computes, and what is not taken is refused.

use agf::image::InputSpec;
use agf::models::Model;
use agf::models::onnx::{Onnx, OnnxOptions};
use agf::reference::Reference;
use safetensors::SafeTensors;

/// Largest relative L2 distance of logits, of which ONNX's tests have the digits of f32.
const TOLERANCE: f64 = 1e-5;

struct Case<'a> {
    name: &'a str,
    model: &'a [u8],
    picture: Vec<f32>,
    height: u32,
    width: u32,
    /// None where the model is not taken.
    logits: Vec<f32>,
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|value| f32::from_le_bytes(*value)).collect()
}

/// The cases by name.
fn cases<'a>(file: &'a SafeTensors<'a>) -> Vec<Case<'a>> {
    let mut names: Vec<&str> = file.names().into_iter().filter_map(|name| name.strip_suffix(".model")).collect();
    names.sort_unstable();
    let case = |name: &'a str| {
        let [model, picture, logits] =
            ["model", "picture", "logits"].map(|part| file.tensor(&format!("{name}.{part}")).unwrap());
        let &[1, _, height, width] = picture.shape() else { panic!("{name}: a picture of {:?}", picture.shape()) };
        let [height, width] = [height, width].map(|side| side as u32);
        Case {
            name,
            model: model.data(),
            picture: floats(picture.data()),
            height,
            width,
            logits: floats(logits.data()),
        }
    };
    names.into_iter().map(case).collect()
}

/// What a model computes of its picture, or why it is not taken.
fn computed(case: &Case) -> Result<Vec<f64>, String> {
    let onnx =
        Onnx::parse(case.model.to_vec(), case.name, &OnnxOptions::default()).map_err(|error| error.to_string())?;
    let spec = match onnx.channels() {
        1 => InputSpec::torchvision_grey(case.height, case.width),
        _ => InputSpec::torchvision(case.height, case.width),
    };
    let model: Model = onnx.model(case.name, spec, false).map_err(|error| error.to_string())?;
    let network = model.build(case.height, case.width).map_err(|error| error.to_string())?;
    let picture: Vec<f64> = case.picture.iter().copied().map(f64::from).collect();
    let reference = Reference::new(&network.graph, &model.weights).unwrap();
    let logits = reference.run(&picture, &[], &[network.logits]).unwrap().remove(&network.logits).unwrap();
    // Of a single output there are two logits, one for it and one against it.
    Ok(if case.logits.len() == 1 { vec![logits[0] - logits[1]] } else { logits })
}

fn distance(found: &[f64], expected: &[f32]) -> f64 {
    let squares = |values: &mut dyn Iterator<Item = f64>| values.map(|value| value * value).sum::<f64>();
    let difference = squares(&mut found.iter().zip(expected).map(|(found, &expected)| found - f64::from(expected)));
    let norm = squares(&mut expected.iter().copied().map(f64::from));
    if difference == 0.0 { 0.0 } else { (difference / norm).sqrt() }
}

#[test]
fn operations_compute_what_onnx_says() {
    let bytes = include_bytes!("onnx/nodes.safetensors");
    let file = SafeTensors::deserialize(bytes).unwrap();
    let (mut taken, mut refused) = (0, 0);
    for case in cases(&file) {
        match computed(&case) {
            Ok(logits) => {
                taken += 1;
                assert_eq!(logits.len(), case.logits.len(), "{}: it is taken", case.name);
                let distance = distance(&logits, &case.logits);
                assert!(distance <= TOLERANCE, "{}: relative L2 {distance:.1e}", case.name);
            }
            Err(error) => {
                refused += 1;
                assert!(case.logits.is_empty(), "{}: {error}", case.name);
            }
        }
    }
    println!("{taken} computed, {refused} refused");
    assert!(taken > 400 && refused > 100, "{taken} computed, {refused} refused");
}
