//! Which network answers.

use agf::models::{Architecture, Model};
use std::path::{Path, PathBuf};

/// Where a network comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum Network {
    /// The one that is part of the program.
    Embedded,
    /// An ONNX file.
    Onnx(PathBuf),
    /// An architecture with the weights of a file.
    Weights(Architecture, PathBuf),
    /// An architecture with weights that have learned nothing.
    Synthetic(Architecture),
}

impl Network {
    /// Whether a path names a file that is a network by itself.
    pub fn is_file(path: &Path) -> bool {
        path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("onnx"))
    }

    /// What the options `--model` and `--weights` of the command line mean.
    ///
    /// # Errors
    /// What is wrong with them, in words.
    pub fn from_options(model: Option<&str>, weights: Option<&Path>) -> Result<Self, String> {
        let Some(model) = model else {
            let alone = "--weights needs --model, the name of the network that they are for";
            return if weights.is_some() { Err(alone.into()) } else { Ok(Self::Embedded) };
        };
        if Self::is_file(Path::new(model)) {
            return Ok(Self::Onnx(model.into()));
        }
        let architecture: Architecture = model.parse().map_err(|error| format!("{error}"))?;
        match weights {
            Some(weights) if weights.as_os_str() == "synthetic" => Ok(Self::Synthetic(architecture)),
            Some(weights) => Ok(Self::Weights(architecture, weights.into())),
            None if architecture == Architecture::EfficientNetLite0 => Ok(Self::Embedded),
            None => Err(format!("{model} needs --weights FILE, or --weights synthetic for a try")),
        }
    }

    /// Reads it.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn open(&self) -> Result<Model, String> {
        match self {
            Self::Embedded => Model::embedded().map_err(|error| error.to_string()),
            Self::Weights(architecture, path) => Model::open(*architecture, path).map_err(|error| error.to_string()),
            Self::Synthetic(architecture) => Model::synthetic(*architecture).map_err(|error| error.to_string()),
            Self::Onnx(path) => onnx(path),
        }
    }

    /// The options of the command line that mean it.
    pub fn options(&self) -> Vec<String> {
        match self {
            Self::Embedded => Vec::new(),
            Self::Onnx(path) => vec!["--model".into(), path.display().to_string()],
            Self::Weights(architecture, path) => {
                vec!["--model".into(), architecture.to_string(), "--weights".into(), path.display().to_string()]
            }
            Self::Synthetic(architecture) => {
                vec!["--model".into(), architecture.to_string(), "--weights".into(), "synthetic".into()]
            }
        }
    }
}

#[cfg(not(target_arch = "wasm32"))]
fn onnx(path: &Path) -> Result<Model, String> {
    use agf::models::InputSpec;
    use agf::models::onnx::{Onnx, OnnxOptions};

    /// Side of the picture of a file that leaves it open.
    const USUAL_SIDE: u32 = 224;

    let read = || {
        let onnx = Onnx::open(path, &OnnxOptions::default())?;
        let [height, width] = onnx.size().map(|side| side.unwrap_or(USUAL_SIDE));
        let input = match onnx.channels() {
            1 => InputSpec::torchvision_grey(height, width),
            _ => InputSpec::torchvision(height, width),
        };
        onnx.model(&path.display().to_string(), input, false)
    };
    read().map_err(|error| error.to_string())
}

#[cfg(target_arch = "wasm32")]
fn onnx(path: &Path) -> Result<Model, String> {
    Err(format!("{} is a network; this page has one of its own and takes no other", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_say_which_network_and_back() {
        let cases = [
            (None, None),
            (Some("net.onnx"), None),
            (Some("vgg16"), Some("synthetic")),
            (Some("resnet50"), Some("a.safetensors")),
        ];
        for (model, weights) in cases {
            let network = Network::from_options(model, weights.map(Path::new)).unwrap();
            let options = network.options();
            let expected: Vec<&str> = [("--model", model), ("--weights", weights)]
                .iter()
                .filter_map(|(name, value)| value.map(|v| [*name, v]))
                .flatten()
                .collect();
            assert_eq!(options, expected);
        }
        assert!(Network::from_options(None, Some(Path::new("x"))).is_err());
        assert!(Network::from_options(Some("vgg16"), None).is_err_and(|error| error.contains("--weights")));
        assert!(Network::from_options(Some("vgg99"), None).is_err());
    }
}
