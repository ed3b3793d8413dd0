//! The learned tensors a model needs: their names, shapes and roles.
//!
//! First step of the flow "weights file + model recipe -> Graph": a model
//! recipe lists its parameters, and [`crate::models::weights`] fills exactly
//! that list from a file, from memory or with synthetic values.

/// What a parameter does in its layer.
///
/// The role decides which values synthetic weights take; loading from a file
/// treats all roles alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ParameterKind {
    /// Weight of a convolution, shape (out, in / groups, height, width), or of
    /// a linear layer, shape (out, in).
    Weight,
    /// Bias of a convolution or linear layer, shape (out).
    Bias,
    /// Batch-norm factor (`weight` in a state dict), shape (channels).
    BatchNormScale,
    /// Batch-norm offset (`bias` in a state dict), shape (channels).
    BatchNormShift,
    /// Batch-norm running mean, shape (channels).
    BatchNormMean,
    /// Batch-norm running variance, shape (channels).
    BatchNormVariance,
    /// Slopes of a parametric ReLU on its negative side, shape (channels).
    Slope,
}

/// One learned tensor of a model.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Parameter {
    /// Name in the torchvision state dict, such as `features.0.weight`.
    pub name: String,
    /// Size of each dimension, outermost first (row-major).
    pub shape: Vec<usize>,
    /// Role in its layer.
    pub kind: ParameterKind,
}

impl Parameter {
    /// A parameter called `name`, of `shape` (outermost dimension first).
    pub fn new(name: impl Into<String>, shape: &[usize], kind: ParameterKind) -> Self {
        Self { name: name.into(), shape: shape.to_vec(), kind }
    }

    /// Number of values: the product of all dimensions.
    pub fn element_count(&self) -> usize {
        self.shape.iter().product()
    }
}
