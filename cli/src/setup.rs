//! From arguments to what a command works with: the model, the device, the classes.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::CliError;
use super::args::{DeviceArguments, InputArguments, ModelArguments};
use super::downloads;
use super::hints::Hinted;
use super::terminal::Terminal;
use super::values::{ClassSpec, NetworkSource, Size, WeightsSource};
use agf::gpu::{Gpu, GpuError, Selection};
use agf::image::Framing;
use agf::models::onnx::Onnx;
use agf::models::{Architecture, Beside, InputSpec, Model};
use agf::tuning::{self, Tuning, WinogradTile};
use agf::{Error, Target};

/// Most classes of one photo: each has a backward pass of its own in the plan.
const MOST_CLASSES: usize = 64;
/// The one whose weights are part of the program.
const EMBEDDED: Architecture = Architecture::EfficientNetLite0;

impl ModelArguments {
    /// The model with the weights asked for.
    pub(super) fn open(&self) -> Result<Model, CliError> {
        let model = match (&self.model, self.file()?) {
            _ if self.weights == Some(WeightsSource::Synthetic) && !self.skip_tensors.is_empty() => {
                return Err(CliError::NothingToSkip);
            }
            _ if self.weights == Some(WeightsSource::Synthetic) => self.made_up()?,
            (NetworkSource::Onnx(path), None) => of_onnx(path, &self.open_onnx(path)?, false)?,
            (NetworkSource::Onnx(_), Some(_)) => return Err(CliError::WeightsOfOnnx),
            (NetworkSource::Known(EMBEDDED), None) => Model::embedded()?,
            (NetworkSource::Known(known), None) => return Err(CliError::NoWeights(*known)),
            (NetworkSource::Known(known), Some(path)) => Model::open_without(*known, &path, &self.skip_tensors)?,
        };
        self.finished(model)
    }

    /// The file of weights, where there is one.
    pub(super) fn file(&self) -> Result<Option<PathBuf>, CliError> {
        Ok(match (&self.weights, &self.model) {
            (None | Some(WeightsSource::Synthetic), _) => None,
            (Some(WeightsSource::File(path)), _) => Some(path.clone()),
            (Some(WeightsSource::Hub(repository)), _) => Some(downloads::of_hub(repository)?),
            (Some(WeightsSource::Torchvision), NetworkSource::Known(known)) => Some(downloads::of_torchvision(*known)?),
            (Some(WeightsSource::Torchvision), NetworkSource::Onnx(_)) => return Err(CliError::WeightsOfOnnx),
        })
    }

    /// The model with the roles and the precision asked for.
    pub(super) fn finished(&self, model: Model) -> Result<Model, CliError> {
        let model =
            if self.roles.is_empty() { model } else { model.with_roles(self.roles.clone()).map_err(Error::from)? };
        Ok(model.with_precision(self.precision)?)
    }

    /// The same, with synthetic weights where none are given and none are built in: for commands whose outcome does not
    /// depend on what the network knows.
    pub(super) fn open_or_make_up(&self) -> Result<Model, CliError> {
        if self.weights.is_none() && !self.has_built_in() {
            return self.finished(self.made_up()?);
        }
        let model = self.open()?;
        tell_notes(&model);
        Ok(model)
    }

    fn made_up(&self) -> Result<Model, CliError> {
        match &self.model {
            NetworkSource::Known(known) => Ok(Model::synthetic(*known).map_err(Error::from)?),
            NetworkSource::Onnx(path) => of_onnx(path, &self.open_onnx(path)?, true),
        }
    }

    pub(super) fn open_onnx(&self, path: &Path) -> Result<Onnx, CliError> {
        Ok(Onnx::open(path, &self.onnx.options())?)
    }

    /// Whether the model's weights are part of the program.
    pub(super) fn has_built_in(&self) -> bool {
        match &self.model {
            NetworkSource::Known(known) => *known == EMBEDDED,
            NetworkSource::Onnx(_) => true,
        }
    }
}

/// The network of an ONNX file, with the preprocessing and class names of files beside it or, without them,
/// torchvision's preprocessing.
pub(super) fn of_onnx(path: &Path, onnx: &Onnx, is_synthetic: bool) -> Result<Model, CliError> {
    let size = onnx.size();
    let beside = Beside::find(path, size, onnx.channels());
    let [height, width] = size.map(|side| side.unwrap_or(USUAL_SIDE));
    let assumed = match onnx.channels() {
        1 => InputSpec::torchvision_grey(height, width),
        _ => InputSpec::torchvision(height, width),
    };
    let input = beside.input.unwrap_or(assumed);
    let mut model = onnx.model(&path.display().to_string(), input, is_synthetic)?;
    let mut notes = beside.notes;
    if beside.input.is_none() {
        notes.push(ASSUMED.into());
    }
    if let Some(labels) = beside.labels {
        match model.clone().with_labels(labels) {
            Ok(named) => model = named,
            Err(error) => notes.push(format!("the class names beside it are not used: {error}")),
        }
    }
    model.notes.extend(notes);
    Ok(model)
}

/// Tells how the weights were read.
pub(super) fn tell_notes(model: &Model) {
    for note in &model.notes {
        Terminal::plain().note(format_args!("{}: {note}", model.source));
    }
}

/// Side of the picture of a file that leaves it open.
const USUAL_SIDE: u32 = 224;

/// What a user should know of an ONNX file that nothing lies beside.
const ASSUMED: &str = "the file does not say how pictures are prepared: torchvision's way is assumed (--preprocess, \
                       --mean, --std, --scale, --order, --resize)";

/// Where to get weights of a model that has none built in, and how to pass them.
pub(super) fn weights_hint(model: Architecture) -> String {
    if matches!(model, Architecture::TinyVgg | Architecture::TinyResNet) {
        return "It is a network for tests: pass --weights synthetic".into();
    }
    let mut hint = String::from("Pass a safetensors file or a PyTorch checkpoint with --weights FILE. ");
    if let Some(file) = downloads::published(model) {
        hint += &format!(
            "torchvision's own are at https://download.pytorch.org/models/{file}; \
             --weights torchvision finds them where PyTorch has downloaded them. "
        );
    }
    if let Some(repository) = downloads::on_hub(model) {
        hint += &format!(
            "On the Hugging Face hub they are https://huggingface.co/{repository}/resolve/main/model.safetensors; \
             --weights hf:{repository} finds them in its cache. "
        );
    }
    hint + "For a test without real classes pass --weights synthetic"
}

impl InputArguments {
    /// How photos are brought to the network's size.
    pub(super) fn framing(&self) -> Framing {
        self.size.map_or(Framing::Standard, Size::framing)
    }
}

/// What runs where, for the user to see.
pub(super) fn introduction(model: &Model, gpu: &Gpu) -> String {
    let adapter = gpu.summary();
    let tuned = if gpu.profile().choices.tuning.is_empty() { "" } else { ", tuned" };
    let tile = gpu.profile().choices.winograd.filter(|&tile| tile > WinogradTile::Two);
    let winograd = tile.map(|tile| format!(", {tile}")).unwrap_or_default();
    format!("{} ({}) on {} ({}){tuned}{winograd}", model.name(), model.source, adapter.name, adapter.backend)
}

impl DeviceArguments {
    /// What is asked of the device.
    pub(super) fn selection(&self) -> Selection {
        Selection {
            adapter: self.adapter.clone(),
            backend: self.backend.map(Into::into),
            webgpu_limits: self.webgpu_limits,
        }
    }

    /// Opens the device, with kept pipelines and tuned choices.
    pub(super) fn open(&self) -> Result<Gpu, GpuError> {
        let gpu = pollster::block_on(Gpu::open(&self.selection()))?.with_winograd(self.winograd.into());
        let Some(directory) = cache_folder() else { return Ok(gpu) };
        if let Some(note) = gpu.keep_pipelines(&directory) {
            Terminal::plain().warn(note);
        }
        Ok(if self.no_tuning { gpu } else { gpu.with_tuning(tuned(&gpu, &directory)) })
    }
}

/// The program's folder in the user's cache, where that is known.
pub(super) fn cache_folder() -> Option<PathBuf> {
    Some(dirs::cache_dir()?.join("agf"))
}

/// The choices of `agf-run tune`, none where they cannot be used.
fn tuned(gpu: &Gpu, directory: &Path) -> Tuning {
    match tuning::load(gpu, directory) {
        Ok(tuning) => tuning.unwrap_or_default(),
        Err(error) => {
            Terminal::plain().warn(error.told());
            Tuning::new()
        }
    }
}

/// The classes to explain in every picture, each asked for once.
pub(super) fn targets(specs: &[ClassSpec], model: &Model) -> Result<Vec<Target>, CliError> {
    let mut targets = Vec::new();
    for spec in specs {
        match spec {
            ClassSpec::Top(count) => {
                check_count("--class top:", count.get(), model)?;
                targets.extend((0..count.get()).map(Target::Rank));
            }
            ClassSpec::Id(id) => targets.push(Target::Class(model.labels().check(*id)?)),
            ClassSpec::Name(name) => targets.push(Target::Class(model.labels().find(name)?)),
        }
    }
    let mut seen = HashSet::new();
    targets.retain(|target| seen.insert(*target));
    check_slots(targets.len())?;
    Ok(targets)
}

/// Refuses more classes of one photo than are planned for at once.
pub(super) fn check_slots(wanted: usize) -> Result<(), CliError> {
    if wanted <= MOST_CLASSES { Ok(()) } else { Err(CliError::ManyClasses { wanted, most: MOST_CLASSES }) }
}

/// Refuses to name more classes than there are. `flag` is what stands before the number on the command line.
pub(super) fn check_count(flag: &'static str, wanted: u32, model: &Model) -> Result<(), CliError> {
    if wanted <= model.classes() {
        return Ok(());
    }
    Err(CliError::TooManyClasses { flag, wanted, model: model.name().into(), classes: model.classes() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(specs: &[&str]) -> Result<Vec<Target>, CliError> {
        let specs: Vec<ClassSpec> = specs.iter().map(|text| text.parse().unwrap()).collect();
        targets(&specs, &Model::synthetic(Architecture::TinyVgg).unwrap())
    }

    #[test]
    fn targets_are_asked_for_once() {
        use Target::{Class, Rank};
        assert_eq!(
            resolve(&["top", "top:2", "7", "class 7", "07", "1"]).unwrap(),
            [Rank(0), Rank(1), Class(7), Class(1)]
        );
        assert_eq!(resolve(&["top:10"]).unwrap().len(), 10);
    }

    #[test]
    fn classes_past_the_last_one_are_refused() {
        assert!(resolve(&["10"]).unwrap_err().to_string().contains("0 to 9"));
        assert_eq!(
            resolve(&["top:11"]).unwrap_err().to_string(),
            "--class top:11 asks for too many classes: tiny_vgg has 10"
        );
        assert!(resolve(&["panda"]).unwrap_err().to_string().contains("no class is called 'panda'"));
    }

    #[test]
    fn many_classes_are_refused() {
        assert!(check_slots(64).is_ok());
        assert!(check_slots(65).unwrap_err().to_string().starts_with("at most 64 classes of one photo"));
    }

    #[test]
    fn the_hint_names_the_file() {
        let hint = weights_hint(Architecture::Vgg19);
        assert!(hint.contains("timm/vgg19.tv_in1k") && hint.contains("vgg19-dcbb9e9d.pth"), "{hint}");
        assert!(weights_hint(Architecture::EfficientNetLite2).contains("hf:timm/tf_efficientnet_lite2.in1k"));
        assert!(weights_hint(Architecture::TinyVgg).contains("synthetic"));
    }
}
