//! Recipes against torchvision's and timm's own networks: logits with weights by the tensors' names, made by `tools/witness.py`.

use crate::common::compare::assert_relative_l2;
use crate::common::goldens::{LOGITS_TOLERANCE, repository_path, synthetic_picture};
use crate::gpu;
use agf::methods::Method;
use agf::models::weights::Weights;
use agf::models::{Architecture, Model};
use agf::{Batch, Explainer};
use std::collections::BTreeMap;

/// Rows and columns: odd numbers of pixels before the later pools and strides.
const SIZE: [u32; 2] = [80, 96];

#[test]
fn every_recipe_is_the_network_of_its_name() {
    let text = std::fs::read_to_string(repository_path("tests/architectures.json")).unwrap();
    let mut witnesses: BTreeMap<String, Vec<f32>> = serde_json::from_str(&text).unwrap();
    let [height, width] = SIZE;
    let batch = Batch::new(1, height, width, synthetic_picture(height, width));
    for architecture in Architecture::ALL {
        if matches!(architecture, Architecture::TinyVgg | Architecture::TinyResNet) {
            continue;
        }
        let witness = witnesses.remove(architecture.name()).unwrap();
        let recipe = architecture.recipe(witness.len() as u32).unwrap();
        let weights = Weights::synthetic(recipe.parameters());
        let model = Model::new(recipe, weights, "synthetic".into());
        let mut explainer = Explainer::new(gpu(), &model, Method::default());
        let (logits, _) = pollster::block_on(explainer.predict(&batch)).unwrap();
        assert_relative_l2(architecture.name(), &logits[0], &witness, LOGITS_TOLERANCE);
    }
    assert!(witnesses.is_empty(), "{witnesses:?}");
}
