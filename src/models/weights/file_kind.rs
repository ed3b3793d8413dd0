//! What a file that holds no weights in a known format appears to be.

use std::fmt::{self, Display};

/// What a file that is neither a safetensors file nor a PyTorch checkpoint appears to be.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileKind {
    /// HDF5, as written by Keras.
    Hdf5,
    /// ONNX.
    Onnx,
    /// A web page.
    Html,
    /// GGUF.
    Gguf,
    /// Nothing known; holds the first bytes, at most 8, escaped as ASCII.
    Other(String),
}

impl Display for FileKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Hdf5 => "it is an HDF5 file (Keras); export the PyTorch model's state dict as safetensors",
            Self::Onnx => "it looks like an ONNX model, which is a network with its weights: open it as the network",
            Self::Html => "it is a web page, so the download went wrong; use the link to the file itself",
            Self::Gguf => "it is a GGUF file (language models); choose the weights of a photo classifier",
            Self::Other(start) => {
                return write!(
                    formatter,
                    "it starts with \"{start}\", which is no known kind; export the model's \
                     state dict as safetensors"
                );
            }
        };
        formatter.write_str(text)
    }
}

/// The kind of a file of no weights, by its first bytes.
pub(super) fn other_kind(start: &[u8]) -> Option<FileKind> {
    let text = start.trim_ascii_start();
    let is_tag = |tag: &[u8]| text.get(..tag.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(tag));
    match start {
        [0x89, b'H', b'D', b'F', ..] => Some(FileKind::Hdf5),
        [b'G', b'G', b'U', b'F', ..] => Some(FileKind::Gguf),
        // Protocol buffer fields: the IR version, then the producer's name,
        // the producer's version or the graph.
        [8, 1..=31, 0x12 | 0x1A | 0x3A, ..] => Some(FileKind::Onnx),
        _ if is_tag(b"<!doctype") || is_tag(b"<html") || is_tag(b"<?xml") => Some(FileKind::Html),
        _ => None,
    }
}
