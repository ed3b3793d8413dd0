//! How a weights file names the tensors of a model.
//!
//! Part of "weights file + model recipe -> Graph": recipes use torchvision's
//! state-dict names; this module finds out which names a file uses instead and
//! translates from the recipe's to the file's.
//!
//! Two things can differ. Every name may carry the prefix of a wrapping module
//! (`module.` after data-parallel training). And timm names the classifier of
//! a VGG differently, keeping its first two linear layers as convolutions:
//! `pre_logits.fc1.weight` of shape (4096, 512, 7, 7) is torchvision's
//! `classifier.0.weight` of shape (4096, 25088), value for value. timm's
//! ResNets use torchvision's names.

use crate::graph::parameter::Parameter;

/// Prefixes that wrapping modules put before every name of a state dict.
const WRAPPER_PREFIXES: [&str; 6] = ["module.", "model.", "_orig_mod.", "net.", "network.", "backbone."];

/// Layers that timm's VGG names differently: (torchvision, timm).
const TIMM_VGG_LAYERS: [(&str, &str); 3] =
    [("classifier.0.", "pre_logits.fc1."), ("classifier.3.", "pre_logits.fc2."), ("classifier.6.", "head.fc.")];

/// Weights that timm's VGG stores in the shape of a convolution.
const TIMM_VGG_CONVOLUTIONS: [&str; 2] = ["classifier.0.weight", "classifier.3.weight"];

/// True for a tensor that no model uses: batch-norm's count of training steps.
pub(crate) fn is_ignored(name: &str) -> bool {
    name == "num_batches_tracked" || name.ends_with(".num_batches_tracked")
}

/// The naming scheme of one weights file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Naming {
    prefix: String,
    timm_vgg: bool,
}

impl Naming {
    /// Finds the scheme from all names of a file.
    pub(crate) fn detect<'a>(names: impl Iterator<Item = &'a str> + Clone) -> Self {
        let prefix = common_prefix(names.clone());
        let timm_vgg = names
            .filter_map(|name| name.strip_prefix(prefix.as_str()))
            .any(|name| name.starts_with("pre_logits.") || name.starts_with("head.fc."));
        Self { prefix, timm_vgg }
    }

    /// The name in the file of the parameter that torchvision calls `name`.
    pub(crate) fn file_name(&self, name: &str) -> String {
        let renamed = TIMM_VGG_LAYERS
            .iter()
            .filter(|_| self.timm_vgg)
            .find_map(|(torchvision, timm)| Some((timm, name.strip_prefix(torchvision)?)));
        match renamed {
            Some((layer, rest)) => format!("{}{layer}{rest}", self.prefix),
            None => format!("{}{name}", self.prefix),
        }
    }

    /// True if a tensor of shape `found` in the file can serve as `parameter`.
    ///
    /// Shapes must be equal, except that timm's convolutions standing for
    /// linear layers, (out, channels, height, width), match
    /// (out, channels * height * width).
    pub(crate) fn accepts_shape(&self, parameter: &Parameter, found: &[usize]) -> bool {
        if found == parameter.shape {
            return true;
        }
        let is_convolution = self.timm_vgg && TIMM_VGG_CONVOLUTIONS.contains(&parameter.name.as_str());
        let (&[out, channels, height, width], &[rows, columns]) = (found, parameter.shape.as_slice()) else {
            return false;
        };
        let flattened = channels.checked_mul(height).and_then(|size| size.checked_mul(width));
        is_convolution && out == rows && flattened == Some(columns)
    }
}

/// The wrapper prefixes that all `names` start with, or an empty string.
fn common_prefix<'a>(names: impl Iterator<Item = &'a str> + Clone) -> String {
    let mut prefix = String::new();
    if names.clone().next().is_none() {
        return prefix;
    }
    let next = |prefix: &str| {
        WRAPPER_PREFIXES.iter().find(|wrapper| {
            names.clone().all(|name| name.strip_prefix(prefix).is_some_and(|rest| rest.starts_with(**wrapper)))
        })
    };
    while let Some(wrapper) = next(&prefix) {
        prefix.push_str(wrapper);
    }
    prefix
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::parameter::ParameterKind;

    fn detect(names: &[&str]) -> Naming {
        Naming::detect(names.iter().copied())
    }

    #[test]
    fn a_prefix_counts_only_if_every_name_has_it() {
        assert_eq!(detect(&["model.fc.weight", "model.fc.bias"]).prefix, "model.");
        assert_eq!(detect(&["module.model.fc.weight", "module.model.fc.bias"]).prefix, "module.model.");
        assert_eq!(detect(&["model.fc.weight", "fc.bias"]).prefix, "");
        assert_eq!(detect(&["features.0.weight"]).prefix, "");
        assert_eq!(detect(&[]).prefix, "");
    }

    #[test]
    fn timm_names_a_vgg_classifier_differently() {
        let timm = detect(&["module.features.0.weight", "module.head.fc.weight"]);
        for (torchvision, expected) in [
            ("features.0.weight", "module.features.0.weight"),
            ("classifier.0.weight", "module.pre_logits.fc1.weight"),
            ("classifier.3.bias", "module.pre_logits.fc2.bias"),
            ("classifier.6.weight", "module.head.fc.weight"),
        ] {
            assert_eq!(timm.file_name(torchvision), expected);
        }
        let torchvision = detect(&["features.0.weight", "classifier.6.weight"]);
        assert_eq!(torchvision.file_name("classifier.6.weight"), "classifier.6.weight");
    }

    #[test]
    fn only_timm_convolutions_are_flattened() {
        let linear = |name| Parameter::new(name, &[8, 18], ParameterKind::Weight);
        let timm = detect(&["pre_logits.fc1.weight"]);
        assert!(timm.accepts_shape(&linear("classifier.0.weight"), &[8, 2, 3, 3]));
        assert!(timm.accepts_shape(&linear("classifier.0.weight"), &[8, 18]));
        assert!(!timm.accepts_shape(&linear("classifier.0.weight"), &[8, 2, 3, 4]));
        assert!(!timm.accepts_shape(&linear("classifier.0.weight"), &[4, 4, 3, 3]));
        assert!(!timm.accepts_shape(&linear("classifier.0.weight"), &[8, usize::MAX, 3, 3]));
        assert!(!timm.accepts_shape(&linear("classifier.6.weight"), &[8, 2, 3, 3]));
        let torchvision = detect(&["classifier.0.weight"]);
        assert!(!torchvision.accepts_shape(&linear("classifier.0.weight"), &[8, 2, 3, 3]));
    }
}
