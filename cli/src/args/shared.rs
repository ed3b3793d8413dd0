//! What several commands take: inputs, the network, the device.

use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::Args;

use crate::values::{self, Backend, NetworkSource, Size, WeightsSource, Winograd};
use agf::gpu::AdapterChoice;
use agf::graph::RoleChoice;
use agf::models::onnx::OnnxOptions;
use agf::models::{Architecture, Precision};

/// What goes in.
#[derive(Debug, Args)]
pub struct InputArguments {
    /// Photos, folders of photos, or .npy files
    ///
    /// Folders are searched with all that lies below, in sorted order, for names that end in jpg, jpeg, png, webp,
    /// bmp, tif, tiff or gif; hidden files and links to folders are left out. A .npy file holds network inputs,
    /// already normalised: float32 of shape (N, channels, H, W).
    #[arg(value_name = "INPUT", required = true)]
    pub inputs: Vec<PathBuf>,
    /// Size of the network's input, or native for each photo's own [default: the model's own]
    ///
    /// Photos are scaled and cropped to it as they were when the model was evaluated. With native nothing is scaled or
    /// cropped. Inputs from a .npy file always keep theirs.
    #[arg(long, value_name = "HxW|native")]
    pub size: Option<Size>,
    /// Inputs per run; only neighbours of one size share a run
    #[arg(long, value_name = "N", default_value = "8", value_parser = values::count)]
    pub batch: NonZeroU32,
}

/// Which network.
#[derive(Debug, Args)]
#[command(next_help_heading = "Network")]
pub struct ModelArguments {
    /// Network: a name, or an ONNX file; only efficientnet_lite0 has built-in weights
    #[arg(long, value_name = "NAME|FILE.onnx", default_value = "efficientnet_lite0", long_help = known_networks())]
    pub model: NetworkSource,
    /// Weights: a safetensors file or PyTorch checkpoint with the names of torchvision or timm; torchvision or
    /// hf:OWNER/NAME for what PyTorch or the Hugging Face hub have downloaded; or synthetic for made-up ones
    ///
    /// Every name may have a prefix, and the last layer any name and number of classes. A note says what was taken for
    /// what. Nothing in a checkpoint is executed, and nothing is ever downloaded. plan, verify and bench make
    /// weights up for a model that has none.
    #[arg(long, value_name = "FILE|torchvision|hf:OWNER/NAME|synthetic")]
    pub weights: Option<WeightsSource>,
    /// Tensors of the weights file to leave out, by name, where * is any text: to choose between several networks or
    /// last layers, as with 'teacher.*'; may be given several times
    #[arg(long, value_name = "PATTERN", requires = "weights")]
    pub skip_tensors: Vec<String>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub onnx: OnnxArguments,
    /// Role of the convolutions whose names fit, where it is not what their place in the network gives them: first,
    /// full or flat; may be given several times
    ///
    /// NAME may have * for any characters and ? for one. agf-run model prints names and roles. Of several roles for
    /// one the last holds.
    #[arg(long = "role", value_name = "NAME=ROLE")]
    pub roles: Vec<RoleChoice>,
    /// How the weights of linear layers and dense convolutions are kept in GPU memory; arithmetic is always f32
    #[arg(long, value_name = "NAME", default_value = Precision::F32.name(), value_parser = values::precision())]
    pub precision: Precision,
}

/// Which input and output of an ONNX file.
#[derive(Clone, Debug, Default, Args)]
pub struct OnnxArguments {
    /// The picture's input of an ONNX file that has several
    #[arg(long = "input", value_name = "NAME")]
    pub onnx_input: Option<String>,
    /// The output of an ONNX file that has several: logits, or probabilities behind them
    #[arg(long = "output", value_name = "NAME")]
    pub onnx_output: Option<String>,
}

impl OnnxArguments {
    /// For the library.
    pub fn options(&self) -> OnnxOptions {
        OnnxOptions { input: self.onnx_input.clone(), output: self.onnx_output.clone() }
    }
}

/// What `--model` takes.
fn known_networks() -> String {
    let names: Vec<&str> = Architecture::ALL.iter().map(|architecture| architecture.name()).collect();
    format!(
        "Network: a name, or an ONNX file; only efficientnet_lite0 has built-in weights\n\nNames: {}. \
         Of an ONNX file, everything that is not supported is listed before any work.",
        names.join(", ")
    )
}

/// Which device.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Device")]
pub struct DeviceArguments {
    /// Adapter to use: its number in the list of `agf-run devices`, or a part of its name [default: the fastest kind]
    #[arg(long, value_name = "INDEX|NAME", value_parser = values::adapter_choice)]
    pub adapter: Option<AdapterChoice>,
    /// Graphics interface to use [default: any]
    #[arg(long, value_name = "NAME")]
    pub backend: Option<Backend>,
    /// Use no more than every WebGPU device has: the default limits, and no optional features
    #[arg(long)]
    pub webgpu_limits: bool,
    /// Take the default convolution kernels, whatever agf-run tune found
    #[arg(long)]
    pub no_tuning: bool,
    /// Largest output tile of Winograd's algorithm for 3x3 convolutions, or 0 for none; 4 is faster than 2 on large
    /// layers, with rounding errors several times as large
    ///
    /// Sums that relevance is divided by, and the forward pass of an explanation, are direct in any case.
    #[arg(long, value_name = "TILE", default_value = "2")]
    pub winograd: Winograd,
}
