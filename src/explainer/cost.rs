//! What a call costs, and how far it is.

/// What a run cost.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cost {
    /// Making plans, pipelines and weights that were not there yet, milliseconds.
    pub prepare_ms: f64,
    /// Packing the input and handing it to the driver, milliseconds.
    pub upload_ms: f64,
    /// From submission until the GPU is done, milliseconds.
    pub gpu_ms: f64,
    /// Copying results back, milliseconds.
    pub read_back_ms: f64,
    /// Bytes of GPU buffers, weights included.
    pub gpu_bytes: u64,
}

/// How far a call of [`Explainer::explain`](super::Explainer::explain) is. A method with several variations per picture
/// counts variations, the others pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Runs of a picture that are done.
    pub done: u64,
    /// All runs of pictures of this call.
    pub total: u64,
}
