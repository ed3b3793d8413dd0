//! Weights that other programs have downloaded: PyTorch's folder and the cache of the Hugging Face hub. Nothing is
//! downloaded here.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use agf::models::Architecture;

/// Files of weights in a snapshot of the Hugging Face hub, the better one first.
const HUB_FILES: [&str; 2] = ["model.safetensors", "pytorch_model.bin"];

/// Why there are no weights of a source.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum DownloadError {
    /// torchvision never had this network.
    #[error("torchvision has no weights of {0}; pass a file with --weights FILE")]
    NotOfTorchvision(Architecture),
    /// They were not downloaded yet.
    #[error("{what} not in {}; download {url} to there, or anywhere and pass it with --weights FILE", folder.display())]
    Absent {
        /// What is missing, with its verb.
        what: String,
        /// Where it would be.
        folder: PathBuf,
        /// Where it comes from.
        url: String,
    },
    /// Several files could be meant.
    #[error(
        "{} has several weights of {model}: {}; pass one of them with --weights FILE",
        folder.display(), files.join(", ")
    )]
    Several {
        /// The folder.
        folder: PathBuf,
        /// The network.
        model: Architecture,
        /// Their names.
        files: Vec<String>,
    },
    /// Neither a home nor a cache folder is known.
    #[error("the folder of downloaded weights is not known; set {0}, or pass a file with --weights FILE")]
    NoFolder(&'static str),
    /// Not OWNER/NAME.
    #[error("'{0}' is no repository of the Hugging Face hub; write hf:OWNER/NAME as in hf:timm/vgg19.tv_in1k")]
    Repository(String),
}

/// The file of torchvision's own weights in PyTorch's folder.
pub fn of_torchvision(model: Architecture) -> Result<PathBuf, DownloadError> {
    let folder = torch_folder().ok_or(DownloadError::NoFolder("TORCH_HOME"))?;
    in_torch_folder(model, &folder)
}

/// The file of weights of a repository in the cache of the Hugging Face hub.
pub fn of_hub(repository: &str) -> Result<PathBuf, DownloadError> {
    let folder = hub_folder().ok_or(DownloadError::NoFolder("HF_HOME"))?;
    in_hub_folder(repository, &folder)
}

/// Where PyTorch keeps what its hub has downloaded.
fn torch_folder() -> Option<PathBuf> {
    let home = folder_of("TORCH_HOME").or_else(|| Some(cache()?.join("torch")))?;
    Some(home.join("hub/checkpoints"))
}

fn hub_folder() -> Option<PathBuf> {
    let home = || folder_of("HF_HOME").or_else(|| Some(cache()?.join("huggingface")));
    folder_of("HF_HUB_CACHE").or_else(|| Some(home()?.join("hub")))
}

/// The folder for caches as these programs, written in Python, find it on every system.
fn cache() -> Option<PathBuf> {
    folder_of("XDG_CACHE_HOME").or_else(|| Some(dirs::home_dir()?.join(".cache")))
}

fn folder_of(variable: &str) -> Option<PathBuf> {
    env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from)
}

fn in_torch_folder(model: Architecture, folder: &Path) -> Result<PathBuf, DownloadError> {
    let published = published(model).ok_or(DownloadError::NotOfTorchvision(model))?;
    let (prefix, _) = published.rsplit_once('-').unwrap_or((published, ""));
    let is_of_model = |name: &String| {
        let hash = name.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('-')?.strip_suffix(".pth"));
        hash.is_some_and(|hash| hash.len() == 8 && hash.chars().all(|digit| digit.is_ascii_hexdigit()))
    };
    let mut files: Vec<String> = names(folder).filter(is_of_model).collect();
    files.sort();
    match files.as_slice() {
        [file] => Ok(folder.join(file)),
        [] => Err(DownloadError::Absent {
            what: format!("torchvision's weights of {model} are"),
            folder: folder.into(),
            url: format!("https://download.pytorch.org/models/{published}"),
        }),
        _ => Err(DownloadError::Several { folder: folder.into(), model, files }),
    }
}

fn in_hub_folder(repository: &str, folder: &Path) -> Result<PathBuf, DownloadError> {
    let is_name = |part: &str| {
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
        !part.is_empty() && !part.starts_with('.') && part.chars().all(is_plain)
    };
    let (owner, name) = repository
        .split_once('/')
        .filter(|(owner, name)| is_name(owner) && is_name(name))
        .ok_or_else(|| DownloadError::Repository(repository.into()))?;
    let kept = folder.join(format!("models--{owner}--{name}"));
    let snapshots = kept.join("snapshots");
    let main = fs::read_to_string(kept.join("refs/main")).ok().map(|commit| commit.trim().to_owned());
    let mut commits: Vec<String> = main.into_iter().filter(|commit| is_name(commit)).collect();
    commits.extend(names(&snapshots));
    let files = commits.iter().flat_map(|commit| HUB_FILES.map(|file| snapshots.join(commit).join(file)));
    files.into_iter().find(|file| file.is_file()).ok_or_else(|| DownloadError::Absent {
        what: format!("the weights of {repository} are"),
        folder: kept,
        url: format!("https://huggingface.co/{repository}/resolve/main/{}", HUB_FILES[0]),
    })
}

/// Names of what is in a folder, where there is one.
fn names(folder: &Path) -> impl Iterator<Item = String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok())
}

/// The file of torchvision's first weights of a network.
pub fn published(model: Architecture) -> Option<&'static str> {
    use Architecture as A;
    Some(match model {
        A::AlexNet => "alexnet-owt-7be5be79.pth",
        A::Vgg11 => "vgg11-8a719046.pth",
        A::Vgg11Bn => "vgg11_bn-6002323d.pth",
        A::Vgg13 => "vgg13-19584684.pth",
        A::Vgg13Bn => "vgg13_bn-abd245e5.pth",
        A::Vgg16 => "vgg16-397923af.pth",
        A::Vgg16Bn => "vgg16_bn-6c64b313.pth",
        A::Vgg19 => "vgg19-dcbb9e9d.pth",
        A::Vgg19Bn => "vgg19_bn-c79401a0.pth",
        A::ResNet18 => "resnet18-f37072fd.pth",
        A::ResNet34 => "resnet34-b627a593.pth",
        A::ResNet50 => "resnet50-0676ba61.pth",
        A::ResNet101 => "resnet101-63fe2227.pth",
        A::ResNet152 => "resnet152-394f9c45.pth",
        A::WideResNet50_2 => "wide_resnet50_2-95faca4d.pth",
        A::WideResNet101_2 => "wide_resnet101_2-32ee1156.pth",
        A::ResNeXt50_32x4d => "resnext50_32x4d-7cdf4587.pth",
        A::ResNeXt101_32x8d => "resnext101_32x8d-8ba56ff5.pth",
        A::ResNeXt101_64x4d => "resnext101_64x4d-173b62eb.pth",
        A::SqueezeNet1_0 => "squeezenet1_0-b66bff10.pth",
        A::SqueezeNet1_1 => "squeezenet1_1-b8a52dc0.pth",
        A::DenseNet121 => "densenet121-a639ec97.pth",
        A::DenseNet161 => "densenet161-8d451a50.pth",
        A::DenseNet169 => "densenet169-b2777c0a.pth",
        A::DenseNet201 => "densenet201-c1103571.pth",
        A::MobileNetV2 => "mobilenet_v2-b0353104.pth",
        A::EfficientNetLite0
        | A::EfficientNetLite1
        | A::EfficientNetLite2
        | A::EfficientNetLite3
        | A::EfficientNetLite4
        | A::TinyVgg
        | A::TinyResNet => return None,
    })
}

/// The repository of the Hugging Face hub with weights of a network in names that are read.
pub fn on_hub(model: Architecture) -> Option<String> {
    use Architecture as A;
    match model {
        A::AlexNet | A::SqueezeNet1_0 | A::SqueezeNet1_1 | A::TinyVgg | A::TinyResNet => None,
        A::MobileNetV2 => Some("timm/mobilenetv2_100.ra_in1k".into()),
        A::EfficientNetLite0
        | A::EfficientNetLite1
        | A::EfficientNetLite2
        | A::EfficientNetLite3
        | A::EfficientNetLite4 => Some(format!("timm/tf_{model}.in1k")),
        _ => Some(format!("timm/{model}.tv_in1k")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pytorchs_folder() {
        let folder = tempfile::tempdir().unwrap();
        let find = |model| in_torch_folder(model, folder.path());
        let absent = find(Architecture::Vgg11).unwrap_err().to_string();
        assert!(absent.contains("https://download.pytorch.org/models/vgg11-8a719046.pth"), "{absent}");
        for name in ["vgg11_bn-6002323d.pth", "vgg11-8a719046.pth.part", "vgg11-notahash.pth", "resnet50-0676ba61.pth"]
        {
            fs::write(folder.path().join(name), "").unwrap();
        }
        assert!(matches!(find(Architecture::Vgg11), Err(DownloadError::Absent { .. })));
        assert_eq!(find(Architecture::Vgg11Bn).unwrap(), folder.path().join("vgg11_bn-6002323d.pth"));
        fs::write(folder.path().join("resnet50-11ad3fa6.pth"), "").unwrap();
        let several = find(Architecture::ResNet50).unwrap_err().to_string();
        assert!(several.contains("resnet50-0676ba61.pth, resnet50-11ad3fa6.pth"), "{several}");
        fs::write(folder.path().join("alexnet-owt-7be5be79.pth"), "").unwrap();
        assert!(find(Architecture::AlexNet).is_ok());
        assert_eq!(find(Architecture::TinyVgg), Err(DownloadError::NotOfTorchvision(Architecture::TinyVgg)));
    }

    #[test]
    fn the_hubs_cache() {
        let folder = tempfile::tempdir().unwrap();
        let find = || in_hub_folder("timm/vgg19.tv_in1k", folder.path());
        let absent = find().unwrap_err().to_string();
        assert!(
            absent.contains("https://huggingface.co/timm/vgg19.tv_in1k/resolve/main/model.safetensors"),
            "{absent}"
        );
        let kept = folder.path().join("models--timm--vgg19.tv_in1k");
        let add = |commit: &str, file: &str| {
            let snapshot = kept.join("snapshots").join(commit);
            fs::create_dir_all(&snapshot).unwrap();
            fs::write(snapshot.join(file), "").unwrap();
            snapshot.join(file)
        };
        let older = add("aaaa", "pytorch_model.bin");
        assert_eq!(find().unwrap(), older);
        let newer = add("bbbb", "model.safetensors");
        fs::create_dir_all(kept.join("refs")).unwrap();
        fs::write(kept.join("refs/main"), "bbbb\n").unwrap();
        assert_eq!(find().unwrap(), newer);
        fs::write(kept.join("refs/main"), "../../../etc").unwrap();
        assert!(find().is_ok_and(|file| file.starts_with(&kept)));
        for name in ["", "timm", "timm/", "/x", "a/b/c", "../x", "timm/..", "a/b\\c", "a b/c"] {
            let found = in_hub_folder(name, folder.path());
            assert_eq!(found, Err(DownloadError::Repository(name.into())));
        }
    }
}
