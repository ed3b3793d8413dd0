//! How exactly weights are kept in GPU memory.

/// How exactly the weights of linear layers and dense convolutions are kept in GPU memory. Arithmetic is always f32.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Precision {
    /// As they are.
    #[default]
    F32,
    /// Rounded to f16, in half the memory.
    F16Weights,
}

impl Precision {
    /// Every precision.
    pub const ALL: [Precision; 2] = [Precision::F32, Precision::F16Weights];

    /// Lower-case name, as on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Precision::F32 => "f32",
            Precision::F16Weights => "f16-weights",
        }
    }
}
