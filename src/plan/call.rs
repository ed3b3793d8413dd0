//! A dispatch outside of a network's plan, as data: what the kernels that evaluate maps are told.

use super::kernel::Kernel;
use super::uniforms::Uniforms;

/// One dispatch over buffers that the caller keeps in a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Pipeline.
    pub kernel: Kernel,
    /// Uniforms, binding 0.
    pub uniforms: Uniforms,
    /// Positions in the caller's list of buffers, the bindings from 1 on; the last one is written.
    pub buffers: Vec<usize>,
    /// Workgroups in x, y, z.
    pub workgroups: [u32; 3],
}
