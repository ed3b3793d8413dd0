//! Why a PyTorch checkpoint cannot be read.

use std::fmt::Display;

/// Why a PyTorch checkpoint cannot be read, and what helps.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// Its bytes contradict themselves or end too early.
    #[error("it is damaged ({0}); download or save it again")]
    Damaged(String),
    /// It goes beyond what checkpoints of classifiers have, as files do that are made to exhaust memory.
    #[error("it has more than {most} {what}, which no checkpoint of a classifier needs; save the state dict alone")]
    TooMuch {
        /// What there is too much of.
        what: &'static str,
        /// How much is read.
        most: u64,
    },
    /// An opcode that `torch.save` does not write.
    #[error(
        "it has the pickle opcode {opcode:#04x} at byte {at}, which torch.save does not write by itself; \
         save it again without pickle_protocol"
    )]
    Opcode {
        /// The opcode.
        opcode: u8,
        /// Bytes before it in its pickle.
        at: u64,
    },
    /// A zip archive that is no checkpoint.
    #[error(
        "it is a zip archive without a data.pkl, which torch.save would have written; \
         unpack it, or bring the checkpoint itself"
    )]
    Archive,
    /// A pickle that `torch.save` did not write.
    #[error(
        "it is a pickle, but none of torch.save; save the weights with \
         `torch.save(model.state_dict(), \"weights.pth\")`"
    )]
    Foreign,
    /// A zip entry that is compressed or encrypted.
    #[error("its entry '{0}' is compressed or encrypted, which torch.save never does; save it again with torch.save")]
    Packed(String),
    /// A network as code.
    #[error(
        "it is a TorchScript archive, a network as code; export ONNX from the Python model with \
         `torch.onnx.export(model, torch.zeros(1, 3, 224, 224), \"model.onnx\")`, or save its state dict"
    )]
    TorchScript,
    /// Tensors of whole numbers with a scale.
    #[error(
        "it has quantised tensors; save the state dict of the model before quantisation, or export ONNX with \
         `torch.onnx.export(model, torch.zeros(1, 3, 224, 224), \"model.onnx\")`"
    )]
    Quantised,
    /// An object of a class that only its own code can read.
    #[error(
        "it holds a whole pickled object of the class {class}, which only that class's Python code can read; save the \
         weights alone with `torch.save(model.state_dict(), \"weights.pth\")`, or export ONNX with \
         `torch.onnx.export(model, torch.zeros(1, 3, 224, 224), \"model.onnx\")`"
    )]
    WholeModule {
        /// Its name, with its module's.
        class: String,
    },
    /// No dictionary of tensors.
    #[error("it has no dictionary of tensors; save the weights with `torch.save(model.state_dict(), \"weights.pth\")`")]
    NoTensors,
    /// Several dictionaries of tensors, none under a usual name.
    #[error("it has several dictionaries of tensors: {}; save one of them alone", .0.join(", "))]
    Several(
        /// Where they are.
        Vec<String>,
    ),
    /// Tensors with their most significant byte first.
    #[error("it was saved on a big-endian machine; save it again on another")]
    BigEndian,
}

impl CheckpointError {
    /// A damaged file.
    pub(super) fn damaged(reason: impl Display) -> Self {
        Self::Damaged(reason.to_string())
    }
}

impl From<std::io::Error> for CheckpointError {
    fn from(error: std::io::Error) -> Self {
        Self::damaged(error)
    }
}
