//! Where the reference gets learned values from.

use crate::models::weights::Weights;

/// Values of parameters by name.
pub trait Parameters: Sync {
    /// The row-major values of the parameter `name`; `None` where there is no such parameter.
    fn get(&self, name: &str) -> Option<&[f32]>;
}

impl Parameters for Weights {
    fn get(&self, name: &str) -> Option<&[f32]> {
        Weights::get(self, name).map(|tensor| tensor.data())
    }
}
