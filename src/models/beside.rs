//! Files beside a network's that say what it cannot: timm's `config.json`, and transformers' `preprocessor_config.json`
//! and `config.json`.

use super::{Filter, InputSpec, Labels, Resize};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Largest side of a picture that such a file may ask for.
const MOST_SIDE: f64 = 16_384.0;
/// Largest such file in bytes.
const MOST_BYTES: u64 = 1 << 26;

/// How pictures are prepared and what classes are called, as files beside a network's say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Beside {
    /// How pictures are prepared; `None` where no file says it.
    pub input: Option<InputSpec>,
    /// Names of the classes; `None` where no file has any.
    pub labels: Option<Labels>,
    /// What was found, and what of it cannot be used, a sentence each.
    pub notes: Vec<String>,
}

impl Beside {
    /// Looks into the folder of the file at `network`, whose input has this size, where it is fixed, and so many
    /// channels, 1 or 3.
    pub fn find(network: &Path, size: [Option<u32>; 2], channels: u32) -> Self {
        let folder = network.parent().unwrap_or(Path::new(""));
        let mut beside = Self::default();
        let files = [("preprocessor_config.json", of_transformers as Reader), ("config.json", of_timm)];
        for (name, prepared) in files {
            let path = folder.join(name);
            match read(&path) {
                Ok(None) => {}
                Ok(Some(config)) => {
                    if beside.input.is_none()
                        && let Some(prepared) = prepared(&config, channels)
                    {
                        beside.input = Some(prepared.input(size, channels));
                        beside.notes.push(format!("pictures are prepared as {} says", path.display()));
                    }
                    beside.take_labels(&config, path);
                }
                Err(problem) => beside.notes.push(format!("{} is not used: {problem}", path.display())),
            }
        }
        beside
    }

    fn take_labels(&mut self, config: &Value, path: PathBuf) {
        let names = ["id2label", "label_names"].iter().find_map(|key| config.get(key).filter(|names| !names.is_null()));
        match names.map(|names| Labels::of_json(names, &path)) {
            None => {}
            Some(Ok(labels)) => {
                self.notes.push(format!("classes have the names in {}", path.display()));
                self.labels = Some(labels);
            }
            Some(Err(problem)) => {
                self.notes.push(format!("the class names in {} are not used: {problem}", path.display()))
            }
        }
    }
}

/// The JSON of a file; `None` where there is no file.
fn read(path: &Path) -> Result<Option<Value>, String> {
    match path.metadata() {
        Ok(metadata) if metadata.is_file() && metadata.len() <= MOST_BYTES => {}
        Ok(metadata) if metadata.is_file() => return Err(format!("it has more than {MOST_BYTES} bytes")),
        Ok(_) | Err(_) => return Ok(None),
    }
    let text = std::fs::read(path).map_err(|error| error.to_string())?;
    serde_json::from_slice(&text).map(Some).map_err(|error| format!("it is no JSON ({error})"))
}

/// Takes preprocessing for so many channels from a file.
type Reader = fn(&Value, u32) -> Option<Prepared>;

/// Preprocessing for an input of any size.
struct Prepared {
    size: Option<[u32; 2]>,
    resize: Scaled,
    filter: Filter,
    /// In bytes.
    mean: [f32; 3],
    std: [f32; 3],
}

/// How a photo gets the network's shape.
enum Scaled {
    /// Its short side is so many pixels before the crop.
    ShortSide(u32),
    /// Its short side is that of the input by this share before the crop.
    Share(f64),
    Squash,
    Pad,
}

impl Prepared {
    fn input(self, fixed: [Option<u32>; 2], channels: u32) -> InputSpec {
        let Self { size, resize, filter, mean, std } = self;
        let usual = match channels {
            1 => InputSpec::torchvision_grey(224, 224),
            _ => InputSpec::torchvision(224, 224),
        };
        let [height, width] = [0, 1].map(|axis| fixed[axis].or(size.map(|size| size[axis])).unwrap_or(usual.height));
        let longer = height.max(width);
        let resize = match resize {
            Scaled::ShortSide(short) => Resize::Crop { short: short.max(longer) },
            Scaled::Share(share) => Resize::Crop { short: (f64::from(longer) / share) as u32 },
            Scaled::Squash => Resize::Squash,
            Scaled::Pad => Resize::Pad,
        };
        InputSpec { height, width, resize, filter, mean, std, ..usual }
    }
}

/// What timm's `pretrained_cfg` says.
fn of_timm(config: &Value, channels: u32) -> Option<Prepared> {
    let config = config.get("pretrained_cfg")?;
    let bytes = |key: &str| per_channel(config.get(key)?, channels).map(|values| values.map(|value| value * 255.0));
    let size = config.get("input_size").and_then(|size| Some([side(size.get(1)?)?, side(size.get(2)?)?]));
    let share = config.get("crop_pct").and_then(Value::as_f64).filter(|share| (0.01..=1.0).contains(share));
    Some(Prepared {
        size,
        resize: match config.get("crop_mode").and_then(Value::as_str) {
            Some("squash") => Scaled::Squash,
            Some("border") => Scaled::Pad,
            Some(_) | None => Scaled::Share(share.unwrap_or(0.875)),
        },
        filter: match config.get("interpolation").and_then(Value::as_str) {
            Some("bicubic") => Filter::Bicubic,
            Some(_) | None => Filter::Bilinear,
        },
        mean: bytes("mean")?,
        std: bytes("std").filter(|std| std.iter().all(|std| *std > 0.0))?,
    })
}

/// What transformers' image processors say.
fn of_transformers(config: &Value, channels: u32) -> Option<Prepared> {
    let is_on = |key: &str| config.get(key).and_then(Value::as_bool).unwrap_or(true);
    let factor = if is_on("do_rescale") { config.get("rescale_factor").and_then(Value::as_f64) } else { Some(1.0) };
    let unit = 1.0 / factor.filter(|factor| *factor > 0.0).unwrap_or(1.0 / 255.0) as f32;
    let bytes = |key: &str| per_channel(config.get(key)?, channels).map(|values| values.map(|value| value * unit));
    let (mean, std) = match is_on("do_normalize") {
        true => (bytes("image_mean")?, bytes("image_std").filter(|std| std.iter().all(|std| *std > 0.0))?),
        false => ([0.0; 3], [unit; 3]),
    };
    let of = |key: &str| config.get(key).and_then(sides);
    let short = config.get("size").and_then(|size| side(size.get("shortest_edge").unwrap_or(size)));
    let share = config.get("crop_pct").and_then(Value::as_f64).filter(|share| (0.01..=1.0).contains(share));
    let is_cropped = config.get("do_center_crop").and_then(Value::as_bool).unwrap_or(false);
    let (size, resize) = match (is_cropped, share, short) {
        (true, _, Some(short)) => (of("crop_size"), Scaled::ShortSide(short)),
        (_, Some(share), _) => (of("size"), Scaled::Share(share)),
        (true, None, None) => (of("crop_size").or(of("size")), Scaled::Share(1.0)),
        (false, None, _) => (of("size"), Scaled::Squash),
    };
    let filter =
        if config.get("resample").and_then(Value::as_u64) == Some(3) { Filter::Bicubic } else { Filter::Bilinear };
    Some(Prepared { size, resize, filter, mean, std })
}

/// Height and width of a number, of {"height", "width"}, or of {"shortest_edge"}.
fn sides(value: &Value) -> Option<[u32; 2]> {
    let both = || Some([side(value.get("height")?)?, side(value.get("width")?)?]);
    let one = || side(value.get("shortest_edge").unwrap_or(value)).map(|side| [side; 2]);
    both().or_else(one)
}

fn side(value: &Value) -> Option<u32> {
    value.as_f64().filter(|side| (1.0..=MOST_SIDE).contains(side)).map(|side| side as u32)
}

/// A value for each channel; that of a single one stands for all.
fn per_channel(value: &Value, channels: u32) -> Option<[f32; 3]> {
    let values: Option<Vec<f32>> = value.as_array()?.iter().map(|value| Some(value.as_f64()? as f32)).collect();
    let values = match (channels, &values?[..]) {
        (1, &[value]) => [value; 3],
        (3, &[first, second, third]) => [first, second, third],
        _ => return None,
    };
    values.iter().all(|value| value.is_finite()).then_some(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::ChannelOrder;

    fn find(files: &[(&str, &str)], size: [Option<u32>; 2]) -> Beside {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        Beside::find(&folder.path().join("model.onnx"), size, 3)
    }

    const TIMM: &str = r#"{"architecture": "x", "label_names": ["cat", "dog"],
        "pretrained_cfg": {"input_size": [3, 240, 256], "mean": [0.5, 0.25, 0.125], "std": [0.5, 0.5, 0.25],
        "interpolation": "bicubic", "crop_pct": 0.75, "crop_mode": "center"}}"#;
    const TRANSFORMERS: &str = r#"{"do_center_crop": true, "crop_size": {"height": 224, "width": 224},
        "size": {"shortest_edge": 256}, "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5], "resample": 3,
        "do_rescale": true, "rescale_factor": 0.00392156862745098}"#;

    #[test]
    fn nothing_is_said_without_files() {
        assert_eq!(find(&[], [None; 2]), Beside::default());
        assert_eq!(find(&[("config.json", r#"{"model_type": "resnet"}"#)], [None; 2]), Beside::default());
    }

    #[test]
    fn timms_file() {
        let found = find(&[("config.json", TIMM)], [None, None]);
        let input = found.input.unwrap();
        assert_eq!((input.height, input.width), (240, 256));
        assert_eq!((input.resize, input.filter), (Resize::Crop { short: 341 }, Filter::Bicubic));
        assert_eq!((input.mean, input.std), ([127.5, 63.75, 31.875], [127.5, 127.5, 63.75]));
        assert_eq!(found.labels.unwrap().find("dog"), Ok(1));
        assert_eq!(found.notes.len(), 2, "{:?}", found.notes);
        let input = find(&[("config.json", TIMM)], [Some(128), Some(96)]).input.unwrap();
        assert_eq!((input.height, input.width, input.resize), (128, 96, Resize::Crop { short: 170 }));
    }

    #[test]
    fn transformers_files() {
        let names = r#"{"id2label": {"0": "cat", "1": "dog", "2": "cow"}}"#;
        let found = find(&[("preprocessor_config.json", TRANSFORMERS), ("config.json", names)], [None; 2]);
        let input = found.input.unwrap();
        assert_eq!((input.height, input.width), (224, 224));
        assert_eq!((input.resize, input.filter), (Resize::Crop { short: 256 }, Filter::Bicubic));
        assert!(input.mean.iter().chain(&input.std).all(|value| (value - 127.5).abs() <= 1e-3), "{input:?}");
        assert_eq!(found.labels.unwrap().len(), 3);
        let squashed =
            r#"{"size": {"height": 32, "width": 48}, "do_normalize": false, "do_rescale": false, "resample": 2}"#;
        let input = find(&[("preprocessor_config.json", squashed)], [None; 2]).input.unwrap();
        assert_eq!((input.height, input.width, input.resize, input.filter), (32, 48, Resize::Squash, Filter::Bilinear));
        assert_eq!((input.mean, input.std), ([0.0; 3], [1.0; 3]));
    }

    #[test]
    fn grey_networks() {
        let folder = tempfile::tempdir().unwrap();
        let find = |mean: &str| {
            let text = format!(r#"{{"pretrained_cfg": {{"mean": {mean}, "std": [0.25], "input_size": [1, 28, 32]}}}}"#);
            std::fs::write(folder.path().join("config.json"), text).unwrap();
            Beside::find(&folder.path().join("model.onnx"), [None; 2], 1).input
        };
        let input = find("[0.5]").unwrap();
        assert_eq!((input.order, input.height, input.width), (ChannelOrder::Grey, 28, 32));
        assert_eq!((input.mean, input.std), ([127.5; 3], [63.75; 3]));
        assert_eq!(find("[0.5, 0.5, 0.5]"), None);
    }

    #[test]
    fn what_cannot_be_used_is_said() {
        for (name, text, words) in [
            ("config.json", "{", "no JSON"),
            ("preprocessor_config.json", "", "no JSON"),
            ("config.json", r#"{"id2label": {"a": "b"}}"#, "class names"),
        ] {
            let found = find(&[(name, text)], [None; 2]);
            assert!(found.input.is_none() && found.labels.is_none());
            assert!(found.notes.len() == 1 && found.notes[0].contains(words), "{:?}", found.notes);
        }
        let zero = r#"{"pretrained_cfg": {"mean": [0, 0, 0], "std": [1, 0, 1]}}"#;
        assert!(find(&[("config.json", zero)], [None; 2]).input.is_none());
    }
}
