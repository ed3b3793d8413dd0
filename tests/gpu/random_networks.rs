//! Networks that chance made, node by node against the f64 reference. `AGF_ALL=1` takes 2,000 of them.

use crate::common::networks::{described, network, sized};
use crate::common::random::Random;
use crate::common::rules::rules;
use crate::{gpu, random_batch};
use agf::image::InputSpec;
use agf::methods::Method;
use agf::models::weights::Weights;
use agf::models::{Architecture, Model, Recipe};
use agf::verify::verify;
use agf::wiring::{Wanted, Wiring};

#[test]
fn networks_that_chance_made_pass() {
    pass(|index, _| Method::ALL[index % Method::ALL.len()].clone());
}

#[test]
fn so_do_rules_that_chance_made() {
    pass(|_, random| Method::Rules(rules(&random.bytes(60))));
}

/// Explains networks by what `method` makes of their number.
fn pass(method: impl Fn(usize, &mut Random) -> Method) {
    let count = if std::env::var_os("AGF_ALL").is_some() { 2000 } else { 200 };
    let mut random = Random::new();
    let mut explained = 0;
    for index in 0.. {
        let bytes = random.bytes(160);
        let (built, [height, width, batch]) = sized(&bytes, 24);
        let method = &method(index, &mut random);
        // A method need not cover a network.
        if Wiring::new(&built, method, Wanted { slots: 1, audit: true }).is_err() {
            continue;
        }
        let input = InputSpec { height, width, ..Architecture::TinyVgg.recipe(10).unwrap().input_spec() };
        let recipe = Recipe::new("random", input, move |height, width| network(&bytes[3..], height, width)).unwrap();
        let weights = Weights::synthetic(recipe.parameters());
        let model = Model::new(recipe, weights, "synthetic".into());
        let batch = random_batch(batch, height, width);
        let verification = pollster::block_on(verify(gpu(), &model, method, &batch)).unwrap();
        let failure = verification.first_failure.map(|index| &verification.checked[index]);
        let (words, changed) = (verification.stray_words, &verification.changed_by_sharing);
        assert!(
            verification.passed(),
            "network {index}, {height}x{width}, {method}: {failure:#?}, {words} stray words, {changed:?}\n{}\n{}",
            described(&built.graph),
            method.rules().unwrap().map(|rules| rules.to_string()).unwrap_or_default()
        );
        explained += 1;
        if explained == count {
            return;
        }
    }
}
