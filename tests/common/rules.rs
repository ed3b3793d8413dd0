//! Rules of relevance made of bytes: any rule for any kind of node that it is defined for, and one for every node.

use super::networks::Choices;
use agf::graph::{Constant, Role};
use agf::methods::agf::Ablations;
use agf::methods::relevance::{Kind, Rule, RuleList, Selector, Start, Weighted};

/// A list that covers what presets cover.
pub fn rules(bytes: &[u8]) -> RuleList {
    let mut choices = Choices::new(bytes);
    let start = choices.pick(&[Start::Logit, Start::LogitContrast, Start::SoftmaxContrast, Start::Probability]);
    let normalize = choices.number(0, 1) == 1;
    let kinds = [Kind::Convolution, Kind::Linear, Kind::BatchNorm, Kind::Activation, Kind::Add, Kind::FanOut];
    let mut rules = Vec::new();
    for _ in 0..choices.number(0, 4) {
        let kind = choices.pick(&kinds);
        let selector = selector(&mut choices, kind);
        rules.push((selector, rule(&mut choices, kind)));
    }
    for kind in kinds.into_iter().chain([Kind::MaxPool, Kind::AveragePool]) {
        rules.push((Selector { op: Some(kind), ..Selector::default() }, rule(&mut choices, kind)));
    }
    RuleList { name: RuleList::USER, start, normalize, rules }
}

/// Some of the nodes of a kind.
fn selector(choices: &mut Choices, kind: Kind) -> Selector {
    let first = choices.number(1, 4) as i32;
    let depth = choices.pick(&[None, Some([first, first + 1]), Some([first, -1]), Some([-first, -1])]);
    let of_convolutions = [None, Some(Role::First), Some(Role::Flat), Some(Role::Full)];
    let role = choices.pick(&of_convolutions).filter(|_| kind == Kind::Convolution);
    Selector { op: Some(kind), role, depth, ..Selector::default() }
}

fn rule(choices: &mut Choices, kind: Kind) -> Rule {
    match kind {
        Kind::Convolution => weighted(choices, 9).into(),
        Kind::Linear => weighted(choices, 8).into(),
        Kind::BatchNorm => choices.pick(&[Rule::Pass, Rule::Fold]),
        Kind::Activation | Kind::FanOut => choices.pick(&[Rule::Pass, Rule::Ratio]),
        Kind::MaxPool | Kind::AveragePool => Rule::Ratio,
        Kind::Add => choices.pick(&[Rule::Ratio, Rule::Magnitude]),
    }
}

/// One of the first rules of layers with weights, up to the one of this number: the last is for convolutions alone.
fn weighted(choices: &mut Choices, last: u32) -> Weighted {
    match choices.number(0, last) {
        0 => Weighted::Absolute,
        1 => Weighted::AlphaBeta { alpha: Constant::new(choices.pick(&[1.0, 2.0])) },
        2 => Weighted::ZPlus,
        3 => Weighted::Epsilon { epsilon: Constant::new(choices.pick(&[1e-6, 0.25])) },
        4 => Weighted::Gamma { gamma: Constant::new(0.25) },
        5 => Weighted::Flat,
        6 => Weighted::WSquare,
        7 => Weighted::Rap,
        8 => Weighted::Full(ablations(choices)),
        _ => Weighted::Box,
    }
}

fn ablations(choices: &mut Choices) -> Ablations {
    let mut is_left_out = || choices.number(0, 3) == 0;
    Ablations {
        no_fx: is_left_out(),
        no_m: is_left_out(),
        no_reg: is_left_out(),
        no_fdx: is_left_out(),
        no_a: is_left_out(),
        gradcam: is_left_out(),
    }
}
