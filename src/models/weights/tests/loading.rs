//! Files and tensors that load.

use super::*;

#[test]
fn all_three_element_types_load() {
    let parameters = vgg_parameters();
    for (element_type, tolerance) in [(Dtype::F32, 0.0), (Dtype::F16, 2.0 / 2048.0), (Dtype::BF16, 2.0 / 256.0)] {
        let (mut stored, values) = random_file(&parameters);
        for ((_, _, stored_type, bytes), values) in stored.iter_mut().zip(&values) {
            *stored_type = element_type;
            *bytes = encode(values, element_type);
        }
        let (_folder, path) = write(&serialize(&stored));
        let weights = open(&path, &parameters).unwrap();
        assert_values(&weights, &parameters, &values, tolerance);
    }
}

#[test]
fn half_precision_values_convert_exactly() {
    let parameter = Parameter::new("fc.bias", &[4], ParameterKind::Bias);
    for (element_type, codes, expected) in [
        (Dtype::F16, [0x3C00_u16, 0xC000, 0x0001, 0x7BFF], [1.0, -2.0, 2.0_f32.powi(-24), 65504.0]),
        (
            Dtype::BF16,
            [0x3F80, 0xC000, 0x0001, 0x7F7F],
            [1.0, -2.0, f32::from_bits(0x1_0000), f32::from_bits(0x7F7F_0000)],
        ),
    ] {
        let bytes = codes.iter().flat_map(|code| code.to_le_bytes()).collect();
        let stored = [("fc.bias".to_string(), vec![4], element_type, bytes)];
        let parameters = std::slice::from_ref(&parameter);
        let weights = parse(&serialize(&stored), "built in", parameters).unwrap();
        assert_eq!(weights.get("fc.bias").unwrap().data(), expected);
    }
}

#[test]
fn element_types_may_differ_and_long_tensors_keep_their_order() {
    let parameters = [
        Parameter::new("fc.weight", &[3, 50_021], ParameterKind::Weight),
        Parameter::new("fc.bias", &[3], ParameterKind::Bias),
    ];
    let (mut stored, values) = random_file(&parameters);
    stored[1].2 = Dtype::BF16;
    stored[1].3 = encode(&values[1], Dtype::BF16);
    let weights = parse(&serialize(&stored), "built in", &parameters).unwrap();
    assert_eq!(weights.get("fc.weight").unwrap().data(), values[0]);
    assert_values(&weights, &parameters, &values, 2.0 / 256.0);
    assert!(weights.get("fc.scale").is_none());
}

#[test]
fn convolutions_that_stand_for_linear_layers_load() {
    let parameters = vgg_parameters();
    let (mut stored, values) = random_file(&parameters);
    stored[2].1 = vec![6, 4, 3, 3];
    stored[4].1 = vec![6, 6, 1, 1];
    let (_folder, path) = write(&serialize(&stored));
    let weights = open(&path, &parameters).unwrap();
    assert_values(&weights, &parameters, &values, 0.0);
}

#[test]
fn a_common_prefix_and_step_counts_are_ignored() {
    let parameters = vgg_parameters();
    let (mut stored, values) = random_file(&parameters);
    let count = 7_i64.to_le_bytes().to_vec();
    let name = "features.1.num_batches_tracked".to_string();
    stored.push((name, vec![], Dtype::I64, count));
    for (name, ..) in &mut stored {
        name.insert_str(0, "module.");
    }
    let bytes = serialize(&stored);
    let weights = parse(&bytes, "built in", &parameters).unwrap();
    assert_values(&weights, &parameters, &values, 0.0);
}

#[test]
fn tensors_in_memory_load_and_are_shared_not_copied() {
    let parameters = vgg_parameters();
    let (_, values) = random_file(&parameters);
    let tensors: HashMap<String, Tensor> = parameters
        .iter()
        .zip(&values)
        .map(|(parameter, values)| {
            let tensor = Tensor::new(&parameter.shape, values.clone()).unwrap();
            (parameter.name.clone(), tensor)
        })
        .collect();
    let weights = Weights::from_tensors(tensors.clone(), &parameters).unwrap();
    assert_values(&weights, &parameters, &values, 0.0);
    for (name, tensor) in &tensors {
        let loaded = weights.clone().get(name).unwrap().clone();
        assert_eq!(loaded.data().as_ptr(), tensor.data().as_ptr());
    }
}

#[test]
fn synthetic_weights_survive_a_file() {
    let parameters = vgg_parameters();
    let synthetic = Weights::synthetic(&parameters);
    let stored: Vec<Stored> = parameters
        .iter()
        .map(|parameter| {
            let values = synthetic.get(&parameter.name).unwrap().data();
            let bytes = encode(values, Dtype::F32);
            let (name, shape) = (parameter.name.clone(), parameter.shape.clone());
            (name, shape, Dtype::F32, bytes)
        })
        .collect();
    let loaded = parse(&serialize(&stored), "built in", &parameters).unwrap();
    for parameter in &parameters {
        assert_eq!(loaded.get(&parameter.name), synthetic.get(&parameter.name));
    }
}

#[test]
fn a_header_whose_length_looks_like_a_signature_loads() {
    // 0x0280 in little-endian is how a pickle begins.
    let header = r#"{"fc.bias":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#;
    let mut bytes = 0x0280_u64.to_le_bytes().to_vec();
    bytes.extend(format!("{header:<640}").bytes());
    bytes.extend(1.5_f32.to_le_bytes());
    let parameters = [Parameter::new("fc.bias", &[1], ParameterKind::Bias)];
    let weights = parse(&bytes, "built in", &parameters).unwrap();
    assert_eq!(weights.get("fc.bias").unwrap().data(), [1.5]);
}
