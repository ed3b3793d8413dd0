//! What the program adds to the library's errors: the flags and commands that help. The one place where both meet.

use std::env;
use std::fmt::Display;

use agf::Error;
use agf::evaluation::DatasetError;
use agf::evaluation::records::RecordError;
use agf::gpu::GpuError;
use agf::graph::GraphError;
use agf::methods::MethodError;
use agf::models::onnx::OnnxError;
use agf::models::weights::WeightsError;
use agf::tuning::CacheError;

/// Variables that tell the Vulkan loader which drivers there are, instead of the usual folders.
const DRIVER_VARIABLES: [&str; 2] = ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"];

/// An error of the library that flags of the program have to do with.
pub(super) trait Hinted: Display {
    /// The flags and commands, where there are any.
    fn hint(&self) -> Option<String>;

    /// The error with its hint behind it.
    fn told(&self) -> String {
        match self.hint() {
            Some(hint) => format!("{self} ({hint})"),
            None => self.to_string(),
        }
    }
}

impl Hinted for Error {
    fn hint(&self) -> Option<String> {
        let flags = match self {
            Error::Memory { .. } => "--max-memory, --size, --class, --model",
            Error::Plan(_) => "--size, --adapter",
            Error::Graph(GraphError::Window { .. }) => "--size, --model",
            Error::Method(MethodError::NoRule { .. }) => "agf-run rules prints a method's, --rules takes them",
            Error::Gpu(error) => return error.hint(),
            Error::Weights(error) => return error.hint(),
            _ => return None,
        };
        Some(flags.into())
    }
}

impl Hinted for GpuError {
    fn hint(&self) -> Option<String> {
        let flags = match self {
            GpuError::NoAdapter { .. } => return Some(no_adapter_hint()),
            GpuError::UnknownAdapter { .. } | GpuError::AmbiguousAdapter { .. } | GpuError::NoDevice { .. } => {
                "--adapter; agf-run devices lists what there is"
            }
            GpuError::OutOfMemory { .. } => "--batch, --size, --max-memory",
            GpuError::Lost { .. } => "--batch, --size",
            _ => return None,
        };
        Some(flags.into())
    }
}

impl Hinted for WeightsError {
    fn hint(&self) -> Option<String> {
        match self {
            WeightsError::BeyondF16 { .. } => Some("--precision f32".into()),
            WeightsError::Mismatch { .. } => Some("--model, --skip-tensors".into()),
            WeightsError::Ambiguous { .. } | WeightsError::NothingSkipped { .. } => {
                Some("--skip-tensors PATTERN".into())
            }
            _ => None,
        }
    }
}

impl Hinted for OnnxError {
    fn hint(&self) -> Option<String> {
        match self {
            OnnxError::Several { .. } => Some("--input NAME, --output NAME".into()),
            _ => None,
        }
    }
}

impl Hinted for DatasetError {
    fn hint(&self) -> Option<String> {
        match self {
            DatasetError::Folder { .. } => Some("--data".into()),
            DatasetError::Class { .. } | DatasetError::TwoLists(_) => Some("--labels".into()),
            _ => None,
        }
    }
}

impl Hinted for RecordError {
    fn hint(&self) -> Option<String> {
        match self {
            RecordError::Settings { .. } | RecordError::Foreign { .. } => Some("--out".into()),
            _ => None,
        }
    }
}

impl Hinted for CacheError {
    fn hint(&self) -> Option<String> {
        match self {
            CacheError::Damaged { .. } | CacheError::Foreign { .. } => Some("agf-run tune".into()),
            _ => None,
        }
    }
}

/// Which command lists adapters, and which variables may hide them.
fn no_adapter_hint() -> String {
    let set =
        |name: &&str| env::var(name).ok().filter(|value| !value.is_empty()).map(|value| format!("{name}={value}"));
    let set: Vec<String> = DRIVER_VARIABLES.iter().filter_map(set).collect();
    let list = "agf-run devices lists what there is";
    if set.is_empty() {
        return list.into();
    }
    format!("{list}; only the drivers in {} are looked for: unset it to have the system's", set.join(" and "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    /// The library is used without the program, so no text of it speaks of flags or commands.
    #[test]
    fn the_library_does_not_speak_of_the_program() {
        let mut files = Vec::new();
        collect(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../src")), &mut files);
        assert!(files.iter().any(|(path, _)| path.ends_with("gpu/error.rs")));
        for (path, text) in files {
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            for line in code {
                let speaks_of_flag = line.split("--").skip(1).any(|behind| behind.starts_with(char::is_alphabetic));
                assert!(!speaks_of_flag && !line.contains("agf-run"), "{path}: {line}");
            }
        }
    }

    fn collect(folder: &Path, files: &mut Vec<(String, String)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, files);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                files.push((path.display().to_string(), fs::read_to_string(&path).unwrap()));
            }
        }
    }
}
