//! What plans of the known networks contain: for tests and tools that must see every kernel, new ones included.
//!
//! Beside the flow: it builds the graphs of all architectures and plans them, without a device.

use crate::error::Error;
use crate::graph::{Graph, NodeId};
use crate::methods::Method;
use crate::methods::agf::Ablations;
use crate::models::Architecture;
use crate::plan::kernel::Kernel;
use crate::plan::{Plan, Profile, Sharing};
use std::collections::BTreeSet;

/// Plans of every architecture and method for pictures of this size: the explanation as it runs, and with every node stored (nothing
/// fused); also of the ablation that changes an operation's shape.
///
/// # Errors
/// [`Error::Graph`] or [`Error::Plan`] where the size does not fit a network or the profile.
pub fn plans(profile: &Profile, height: u32, width: u32) -> Result<Vec<(Architecture, Plan)>, Error> {
    let mut plans = Vec::new();
    for architecture in Architecture::ALL {
        let gradcam = Method::Agf(Ablations { gradcam: true, ..Default::default() });
        for method in Method::ALL.iter().chain([&gradcam]) {
            let network = architecture.build(height, width, architecture.default_classes())?;
            let explanation = method.explain(&network, 1)?;
            let outputs = [explanation.maps[0].map, explanation.logits];
            let everything: Vec<NodeId> = Graph::ids(&explanation.graph).collect();
            plans.push((architecture, Plan::new(&explanation.graph, &outputs, 2, profile, Sharing::Shared)?));
            plans.push((architecture, Plan::new(&explanation.graph, &everything, 1, profile, Sharing::Shared)?));
        }
    }
    Ok(plans)
}

/// Every kernel that those plans choose, at small and at usual sizes, in order.
///
/// # Errors
/// As for [`plans`].
pub fn kernels(profile: &Profile) -> Result<BTreeSet<Kernel>, Error> {
    let mut kernels = BTreeSet::new();
    for (height, width) in [(64, 96), (224, 224)] {
        for (_, plan) in plans(profile, height, width)? {
            kernels.extend(plan.kernels().into_iter().cloned());
        }
    }
    Ok(kernels)
}
