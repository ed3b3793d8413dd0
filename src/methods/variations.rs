//! Methods that run a picture several times, each time changed a little. A variation is data of a sample: the same
//! graph makes the changed picture on the GPU from the picture and what the host says of the variation, so that
//! variations run in batches, however these are cut.

use super::gradient::{Through, logit_gradients};
use super::{ClassMap, Explanation, IntegratedGradients, MethodError, SmoothGrad, VariationNodes};
use crate::graph::{Explain, Forward, Graph, GraphError, Network, NodeId, VariationField};

/// How the variations of a method differ.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Schedule {
    /// By noise.
    Noise(SmoothGrad),
    /// By their place on a path.
    Path(IntegratedGradients),
}

/// What one variation is told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Variation {
    /// Its number, from 0.
    pub index: u32,
    /// See [`VariationNodes::scale`].
    pub scale: f32,
    /// See [`VariationNodes::offset`].
    pub offset: f32,
}

impl Variation {
    /// The value of one of its fields.
    pub fn field(&self, field: VariationField) -> f32 {
        match field {
            VariationField::Index => self.index as f32,
            VariationField::Scale => self.scale,
            VariationField::Offset => self.offset,
        }
    }
}

impl Schedule {
    /// Number of variations of each picture, at least 1.
    pub fn count(&self) -> u32 {
        match self {
            Schedule::Noise(options) => options.samples.max(1),
            Schedule::Path(options) => options.steps.max(1),
        }
    }

    /// What variation `index` of a picture is told.
    pub fn variation(&self, index: u32, picture: &[f32]) -> Variation {
        match self {
            Schedule::Noise(options) => options.variation(index, picture),
            Schedule::Path(options) => options.variation(index),
        }
    }

    /// The map, one value per pixel, from the sum of all variations' gradients (3 x `pixels`) of a picture.
    pub fn map(&self, gradient_sum: &[f64], picture: &[f32], pixels: usize) -> Vec<f64> {
        match self {
            Schedule::Noise(options) => options.map(gradient_sum, pixels),
            Schedule::Path(options) => options.map(gradient_sum, picture, pixels),
        }
    }

    /// The value of the whole baseline, from whose logit to the picture's the map promises to lead; `None` without such
    /// a promise.
    pub fn baseline(&self) -> Option<f32> {
        match self {
            Schedule::Noise(_) => None,
            Schedule::Path(options) => Some(options.baseline),
        }
    }

    const fn name(&self) -> &'static str {
        match self {
            Schedule::Noise(_) => "smoothgrad",
            Schedule::Path(_) => "integrated-gradients",
        }
    }
}

/// One variation of `slots` classes: a slot's map is the gradient (3, H, W) of the class's logit at the changed
/// picture, and the logits are the changed picture's.
pub(super) fn explain(network: &Network, slots: u32, schedule: Schedule) -> Result<Explanation, MethodError> {
    let (input, changed) = with_changed_input(network, schedule)?;
    let mut graph = changed.graph.clone();
    let mut maps = Vec::new();
    for slot in 0..slots {
        let gradients = logit_gradients(schedule.name(), &mut graph, &changed, slot, Through::Plain)?;
        maps.push(ClassMap::undivided(gradients.class, gradients.at_input, gradients.at_input));
    }
    let mut field = |field| request(&mut graph, field);
    let variations = VariationNodes {
        index: field(VariationField::Index)?,
        scale: field(VariationField::Scale)?,
        offset: field(VariationField::Offset)?,
    };
    Ok(Explanation { graph, input, logits: changed.logits, maps, variations: Some(variations) })
}

/// The picture, and the network behind its change.
fn with_changed_input(network: &Network, schedule: Schedule) -> Result<(NodeId, Network), GraphError> {
    let mut graph = network.graph.without_nodes();
    let picture = graph.add(&network.graph.node(network.input).name, Forward::Input, &[])?;
    let input = match schedule {
        Schedule::Noise(options) => options.change(&mut graph, picture)?,
        Schedule::Path(options) => options.change(&mut graph, picture)?,
    };
    let mut renamed: Vec<NodeId> = Vec::with_capacity(network.graph.nodes().len());
    for id in network.graph.ids() {
        let node = network.graph.node(id);
        let inputs: Vec<NodeId> = node.inputs.iter().map(|input| renamed[input.index()]).collect();
        renamed.push(if id == network.input { input } else { graph.add(&node.name, node.op, &inputs)? });
    }
    let logits = renamed[network.logits.index()];
    Ok((picture, Network { graph, input, logits }))
}

/// The node of a field that the host writes for each variation.
pub(super) fn request(graph: &mut Graph, field: VariationField) -> Result<NodeId, GraphError> {
    let name = match field {
        VariationField::Index => "variation index",
        VariationField::Scale => "variation scale",
        VariationField::Offset => "variation offset",
    };
    graph.add(name, Explain::VariationRequest(field), &[])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::Architecture;

    #[test]
    fn the_path_is_walked_by_midpoints() {
        let path = Schedule::Path(IntegratedGradients { steps: 4, baseline: 2.0 });
        let variations: Vec<Variation> = (0..4).map(|index| path.variation(index, &[])).collect();
        assert_eq!(
            variations.iter().map(|variation| variation.scale).collect::<Vec<_>>(),
            [0.125, 0.375, 0.625, 0.875]
        );
        assert_eq!(variations[1].offset, 1.25);
        let fields = [VariationField::Index, VariationField::Scale, VariationField::Offset];
        assert_eq!(fields.map(|field| variations[1].field(field)), [1.0, 0.375, 1.25]);
        assert_eq!((path.count(), path.baseline()), (4, Some(2.0)));
        // Two pixels, two channels: sum over channels of (x - 2) * sum / 4.
        assert_eq!(path.map(&[4.0, 8.0, -4.0, 1.0], &[3.0, 4.0, 1.0, 2.0], 2), [1.0 + 1.0, 4.0]);
    }

    #[test]
    fn noise_is_a_share_of_the_range() {
        let noise = Schedule::Noise(SmoothGrad { samples: 3, noise: 0.5, seed: 1 });
        assert_eq!(noise.variation(2, &[-1.0, 0.0, 3.0]), Variation { index: 2, scale: 2.0, offset: 0.0 });
        assert_eq!(noise.map(&[3.0, -6.0, -3.0, 0.0], &[], 2), [2.0, 2.0]);
        assert_eq!((noise.count(), noise.baseline()), (3, None));
        assert_eq!(Schedule::Noise(SmoothGrad { samples: 0, ..SmoothGrad::DEFAULT }).count(), 1);
    }

    #[test]
    fn all_forward_nodes_read_the_changed_picture() {
        let network = Architecture::TinyResNet.build(32, 32, 10).unwrap();
        for schedule in [Schedule::Noise(SmoothGrad::DEFAULT), Schedule::Path(IntegratedGradients::DEFAULT)] {
            let explanation = explain(&network, 2, schedule).unwrap();
            let readers = &explanation.graph.consumers()[explanation.input.index()];
            let names: Vec<&str> = readers.iter().map(|&id| explanation.graph.node(id).op.name()).collect();
            assert!(names.iter().all(|name| ["noise", "add", "multiply"].contains(name)), "{names:?}");
            let forward = explanation.graph.ids().filter(|&id| explanation.graph.node(id).name == "conv1").count();
            assert_eq!(forward, 1);
        }
    }
}
