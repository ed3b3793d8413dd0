//! The list of methods: their names, what kind of map they give, and the one call that explains a network with any of
//! them.
//!
//! A method is a file of this folder and a line in each `match` below.

use super::agf::Ablations;
use super::input_gradient::{self, Variant};
use super::relevance::{AddRule, Preset, RuleList};
use super::{Explanation, IntegratedGradients, MethodError, Schedule, SmoothGrad};
use super::{agf, full_gradient, grad_cam, variations};
use crate::graph::Network;
use std::fmt;
use std::str::FromStr;

/// An explanation method with its options.
#[derive(Clone, Debug, PartialEq)]
pub enum Method {
    /// The magnitude of the gradient of the class's logit (Simonyan, Vedaldi, Zisserman, 2014).
    Gradient,
    /// Input times gradient (Shrikumar et al., 2016).
    InputXGradient,
    /// The mean gradient of noisy copies of the picture (Smilkov et al., 2017).
    SmoothGrad(SmoothGrad),
    /// The gradient along the way from a baseline to the picture (Sundararajan, Taly, Yan, 2017).
    IntegratedGradients(IntegratedGradients),
    /// The gradient without the negative part at every ReLU (Springenberg et al., 2015).
    GuidedBackprop,
    /// The last feature maps, weighted by their mean gradients (Selvaraju et al., 2017).
    GradCam,
    /// Input times gradient and every bias times its gradient (Srinivas, Fleuret, 2019).
    FullGrad,
    /// Attribution Guided Factorization.
    Agf(Ablations),
    /// Another relevance method that comes with the crate.
    Relevance(Preset),
    /// Rules that the user composed.
    Rules(RuleList),
}

/// What the values of a method's maps mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapKind {
    /// Positive values speak for the class, negative ones against it.
    Signed,
    /// No value is negative: the more, the more it matters.
    Positive,
}

impl Method {
    /// Every method with its default options, in the order in which they are shown side by side.
    pub const ALL: &'static [Method] = &[
        Method::Gradient,
        Method::InputXGradient,
        Method::SmoothGrad(SmoothGrad::DEFAULT),
        Method::IntegratedGradients(IntegratedGradients::DEFAULT),
        Method::GuidedBackprop,
        Method::GradCam,
        Method::FullGrad,
        Method::Relevance(Preset::Lrp),
        Method::Relevance(Preset::LrpAb),
        Method::Relevance(Preset::Clrp),
        Method::Relevance(Preset::Sglrp),
        Method::Relevance(Preset::Rap),
        Method::Agf(Ablations::NONE),
    ];

    /// The name on the command line, in reports and in file names.
    pub const fn name(&self) -> &'static str {
        match self {
            Method::Gradient => "gradient",
            Method::InputXGradient => "input-x-gradient",
            Method::SmoothGrad(_) => "smoothgrad",
            Method::IntegratedGradients(_) => "integrated-gradients",
            Method::GuidedBackprop => "guided-backprop",
            Method::GradCam => "grad-cam",
            Method::FullGrad => "fullgrad",
            Method::Agf(_) => "agf",
            Method::Relevance(preset) => preset.name(),
            Method::Rules(list) => list.name,
        }
    }

    /// What it does, in a few words.
    pub const fn summary(&self) -> &'static str {
        match self {
            Method::Gradient => "Magnitude of the gradient of the class's logit",
            Method::InputXGradient => "Input times gradient",
            Method::SmoothGrad(_) => "Mean gradient of noisy copies of the input",
            Method::IntegratedGradients(_) => "Gradient along the way from a baseline to the input",
            Method::GuidedBackprop => "Gradient without the negative part at every ReLU",
            Method::GradCam => "Last feature maps, weighted by their mean gradients",
            Method::FullGrad => "Input times gradient and every bias times its gradient",
            Method::Agf(_) => Preset::Agf.summary(),
            Method::Relevance(preset) => preset.summary(),
            Method::Rules(_) => "Relevance by rules of one's own",
        }
    }

    /// Whether the maps have a sign.
    pub const fn map_kind(&self) -> MapKind {
        match self {
            Method::InputXGradient | Method::IntegratedGradients(_) => MapKind::Signed,
            Method::Agf(_) | Method::Relevance(_) | Method::Rules(_) => MapKind::Signed,
            Method::Gradient | Method::SmoothGrad(_) | Method::GuidedBackprop | Method::GradCam | Method::FullGrad => {
                MapKind::Positive
            }
        }
    }

    /// Adds the maps of `slots` classes to a network's graph. Which class a slot means is data of the run (see
    /// [`Explain::ClassRequest`](crate::graph::Explain::ClassRequest)), so that one explanation serves every class.
    /// Without slots it is the forward graph alone, whether or not the method could explain it.
    ///
    /// # Errors
    /// [`MethodError::NoRule`] names every node without a rule; [`MethodError::Form`] where the network does not have
    /// the form that the method needs.
    pub fn explain(&self, network: &Network, slots: u32) -> Result<Explanation, MethodError> {
        if slots == 0 {
            return Ok(Explanation::forward(network));
        }
        match self {
            Method::Gradient => input_gradient::explain(network, slots, Variant::Gradient),
            Method::InputXGradient => input_gradient::explain(network, slots, Variant::InputXGradient),
            Method::GuidedBackprop => input_gradient::explain(network, slots, Variant::GuidedBackprop),
            Method::SmoothGrad(options) => variations::explain(network, slots, Schedule::Noise(*options)),
            Method::IntegratedGradients(options) => variations::explain(network, slots, Schedule::Path(*options)),
            Method::GradCam => grad_cam::explain(network, slots),
            Method::FullGrad => full_gradient::explain(network, slots),
            Method::Agf(ablations) => agf::explain(network, slots, *ablations),
            Method::Relevance(preset) => preset.rules()?.explain(network, slots),
            Method::Rules(list) => list.explain(network, slots),
        }
    }

    /// The rules of a relevance method; `None` for other methods.
    ///
    /// # Errors
    /// [`MethodError::Rules`] where a preset is faulty, which the crate's tests rule out.
    pub fn rules(&self) -> Result<Option<RuleList>, MethodError> {
        Ok(Some(match self {
            Method::Agf(ablations) => agf::rules(*ablations)?,
            Method::Relevance(preset) => preset.rules()?,
            Method::Rules(list) => list.clone(),
            Method::Gradient
            | Method::InputXGradient
            | Method::SmoothGrad(_)
            | Method::IntegratedGradients(_)
            | Method::GuidedBackprop
            | Method::GradCam
            | Method::FullGrad => return Ok(None),
        }))
    }

    /// The same method with another rule for the sums of residual blocks; methods without relevance rules stay as they
    /// are.
    ///
    /// # Errors
    /// As [`Method::rules`].
    pub fn with_add_rule(self, rule: AddRule) -> Result<Self, MethodError> {
        Ok(match (rule, self.rules()?) {
            (AddRule::Magnitude, Some(list)) => Method::Rules(list.with_add_rule(rule)),
            _ => self,
        })
    }

    /// What the variations of a method are told that runs each picture several times; `None` for the others.
    pub const fn schedule(&self) -> Option<Schedule> {
        match self {
            Method::SmoothGrad(options) => Some(Schedule::Noise(*options)),
            Method::IntegratedGradients(options) => Some(Schedule::Path(*options)),
            Method::Gradient
            | Method::InputXGradient
            | Method::GuidedBackprop
            | Method::GradCam
            | Method::FullGrad
            | Method::Agf(_)
            | Method::Relevance(_)
            | Method::Rules(_) => None,
        }
    }
}

impl Default for Method {
    /// AGF without ablations.
    fn default() -> Self {
        Method::Agf(Ablations::NONE)
    }
}

impl From<Ablations> for Method {
    fn from(ablations: Ablations) -> Self {
        Method::Agf(ablations)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Method {
    type Err = UnknownMethod;

    /// The method of this name with its default options.
    fn from_str(name: &str) -> Result<Self, UnknownMethod> {
        let known = Self::ALL.iter().find(|method| method.name() == name);
        known.cloned().ok_or_else(|| UnknownMethod { name: name.into() })
    }
}

/// A name that is no method's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown method '{name}'; known are {}", Method::ALL.iter().map(Method::name).collect::<Vec<_>>().join(", "))]
pub struct UnknownMethod {
    /// The name given.
    pub name: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Constant, Unary};
    use crate::methods::relevance::{Kind, Rule};
    use crate::models::Architecture;

    #[test]
    fn without_slots_there_is_the_forward_graph_whether_or_not_it_can_be_explained() {
        let mut network = Architecture::TinyVgg.build(32, 32, 10).unwrap();
        let doubled = Unary::Scale(Constant::new(2.0));
        network.logits = network.graph.add("doubled", doubled, &[network.logits]).unwrap();
        for method in Method::ALL {
            let error = method.explain(&network, 1).err().unwrap().to_string();
            assert!(error.contains(method.name()) && error.contains("'doubled' (scale)"), "{method}: {error}");
            let forward = method.explain(&network, 0).unwrap();
            assert_eq!((forward.graph.nodes(), forward.maps.len()), (network.graph.nodes(), 0));
        }
    }

    #[test]
    fn names_are_read_back_and_differ() {
        let mut seen = std::collections::HashSet::new();
        for method in Method::ALL {
            assert_eq!(method.name().parse().as_ref(), Ok(method));
            assert!(seen.insert(method.name()), "two methods are called {method}");
            assert_eq!(method.to_string(), method.name());
            assert!(method.summary().len() > 10 && seen.insert(method.summary()), "{method}: {}", method.summary());
        }
        assert_eq!(Method::default().name(), "agf");
        let error = "agr".parse::<Method>().unwrap_err().to_string();
        assert!(error.starts_with("unknown method 'agr'; known are ") && error.contains("agf"), "{error}");
    }

    #[test]
    fn what_the_logits_do_not_read_needs_no_rule() {
        let mut network = Architecture::TinyVgg.build(32, 32, 10).unwrap();
        network.graph.add("unread", Unary::Scale(Constant::new(2.0)), &[network.input]).unwrap();
        for method in Method::ALL {
            let explanation = method.explain(&network, 2).unwrap_or_else(|error| panic!("{method}: {error}"));
            // Names tell the slots from each other.
            let named = |name: &str| explanation.graph.nodes().iter().filter(|node| node.name == name).count();
            assert_eq!((named("class"), named("class #1")), (1, 1), "{method}");
        }
    }

    /// Where no layer is linear, the last convolutions are where AGF begins, and what lies behind them is no layer.
    #[test]
    fn features_without_a_linear_layer_behind_them_are_explained() {
        let network = Architecture::TinyResNet.build(48, 40, 10).unwrap();
        let features = network.up_to(network.named("avgpool").unwrap());
        for network in [features.clone(), features.against().unwrap()] {
            for method in Method::ALL {
                method.explain(&network, 1).unwrap_or_else(|error| panic!("{method}: {error}"));
            }
        }
    }

    #[test]
    fn sums_by_magnitude_are_rules_in_front_of_the_others() {
        for method in Method::ALL {
            let plain = method.clone().with_add_rule(AddRule::Value).unwrap();
            assert_eq!(plain, *method);
            let changed = method.clone().with_add_rule(AddRule::Magnitude).unwrap();
            match method.rules().unwrap() {
                Some(rules) => {
                    let first = rules.clone().with_add_rule(AddRule::Magnitude).rules.remove(0);
                    assert_eq!((first.0.op, first.1), (Some(Kind::Add), Rule::Magnitude));
                    assert_eq!(rules.name, method.name());
                    assert_eq!(changed, Method::Rules(rules.with_add_rule(AddRule::Magnitude)));
                }
                None => {
                    assert_eq!(changed, *method);
                    assert!(!matches!(method, Method::Agf(_) | Method::Relevance(_) | Method::Rules(_)), "{method}");
                }
            }
        }
        let ablations = Ablations { no_m: true, ..Ablations::NONE };
        assert_eq!(Method::from(ablations), Method::Agf(ablations));
    }

    #[test]
    fn methods_of_several_runs_have_a_schedule() {
        for method in Method::ALL {
            let repeats = matches!(method, Method::SmoothGrad(_) | Method::IntegratedGradients(_));
            assert_eq!(method.schedule().is_some(), repeats, "{method}");
        }
    }
}
