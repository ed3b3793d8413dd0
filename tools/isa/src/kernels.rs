//! Which kernels to look at: all that the planner chooses for graphics cards, or one WGSL file.

use crate::error::Error;
use agf::benchmark::PROBE_SOURCES;
use agf::display;
use agf::evaluation::pixels::{blur_calls, copy_calls, rank_calls};
use agf::gpu::canary_call;
use agf::models::Precision;
use agf::plan::kernel::Shader;
use agf::plan::packing::Element;
use agf::plan::tiling::Tiling;
use agf::plan::variant::WinogradTile;
use agf::plan::{DenseKernels, Profile, Strategy};
use naga::back::pipeline_constants::process_overrides;
use naga::valid::{Capabilities, ModuleInfo, ValidationFlags, Validator};
use naga::{Module, ShaderStage};
use std::collections::BTreeSet;
use std::path::Path;

/// A shader's text with values for its overridable constants.
#[derive(Clone, Debug, PartialEq)]
pub struct Kernel {
    /// What it is called in tables: file and constants.
    pub name: String,
    /// WGSL.
    pub source: String,
    /// Overridden constants.
    pub constants: Vec<(String, f64)>,
    /// Whether its indices are checked as it runs.
    pub is_checked: bool,
}

impl From<&agf::plan::kernel::Kernel> for Kernel {
    fn from(kernel: &agf::plan::kernel::Kernel) -> Self {
        Self {
            name: kernel.to_string(),
            source: kernel.shader.source(),
            constants: kernel.constants.iter().map(|&(name, value)| (name.into(), value.into())).collect(),
            is_checked: kernel.shader.is_checked(),
        }
    }
}

impl Kernel {
    /// The shader as naga has it, with the constants' values in it; its entry point is `main`.
    ///
    /// # Errors
    /// [`Error::Shader`] where the text or its constants are not valid.
    pub fn module(&self) -> Result<(Module, ModuleInfo), Error> {
        let module = naga::front::wgsl::parse_str(&self.source)
            .map_err(|reason| self.error(reason.emit_to_string_with_path(&self.source, &self.name)))?;
        let info = Validator::new(ValidationFlags::all(), Capabilities::all())
            .validate(&module)
            .map_err(|reason| self.error(reason.emit_to_string_with_path(&self.source, &self.name)))?;
        let constants = self.constants.iter().cloned().collect();
        let entry = Some((ShaderStage::Compute, "main"));
        let (module, info) =
            process_overrides(&module, &info, entry, &constants).map_err(|reason| self.error(reason.to_string()))?;
        Ok((module.into_owned(), info.into_owned()))
    }

    pub(crate) fn error(&self, reason: String) -> Error {
        Error::Shader { name: self.name.clone(), reason }
    }
}

/// The strategies for graphics cards.
pub const CARDS: &[Strategy] = &[Strategy::GRAPHICS_CARD, Strategy::SMALL_GRAPHICS_CARD];

/// All kernels that plans of the known networks choose by these strategies, at every precision, and tiles of every kind
/// that they allow.
///
/// # Errors
/// [`Error::Plan`] only if a network cannot be planned.
pub fn planned(strategies: &[Strategy]) -> Result<Vec<Kernel>, Error> {
    let mut profiles = Vec::new();
    for precision in Precision::ALL {
        for winograd in [WinogradTile::Two, WinogradTile::Four].map(Some) {
            for dense in [DenseKernels::Tiled, DenseKernels::Uniform] {
                profiles.extend(strategies.iter().map(|&strategy| {
                    let profile = Profile::WEBGPU.with_strategy(Strategy { dense, ..strategy });
                    profile.with_precision(precision).with_winograd(winograd)
                }));
            }
        }
    }
    let mut kernels = agf::catalogue::kernels(&profiles)?;
    let lane_sums = strategies.iter().map(|strategy| strategy.lane_sums).max().unwrap_or(0);
    for (tiling, decides) in Tiling::ALL.iter().flat_map(|tiling| [(tiling, false), (tiling, true)]) {
        let levels = if decides { 2 } else { 1 };
        if levels * tiling.lane_rows * tiling.lane_pixels <= lane_sums {
            kernels.extend([Element::F32, Element::F16].map(|element| tiling.kernel(decides).with_weights(element)));
        }
    }
    Ok(kernels.iter().map(Kernel::from).collect())
}

/// What runs beside plans: the question to a new device, ranks and masked copies of evaluations, probes, and what goes
/// between a host's textures and a network.
pub fn beside_plans() -> Vec<Kernel> {
    let calls = [vec![canary_call()], rank_calls(5000, 3), copy_calls(5000, 9), blur_calls(50, 100, 3, 5, 5.0)];
    let kernels: BTreeSet<_> = calls.concat().into_iter().map(|call| call.kernel).collect();
    let texts = PROBE_SOURCES.into_iter().chain(display::SOURCES);
    let others = texts.map(|(name, source)| Kernel {
        name: name.into(),
        source: source.into(),
        constants: Vec::new(),
        is_checked: true,
    });
    kernels.iter().map(Kernel::from).chain(others).collect()
}

/// A WGSL file behind the preludes of the kernel of its name, with constants as `NAME=value`.
///
/// # Errors
/// [`Error::File`] where it cannot be read.
pub fn from_file(path: &Path, constants: &[(String, f64)]) -> Result<Kernel, Error> {
    let shown = path.display().to_string();
    let source = std::fs::read_to_string(path).map_err(|source| Error::File { path: shown, source })?;
    let mut name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    for (constant, value) in constants {
        name.push_str(&format!(" {}={value}", constant.to_lowercase()));
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let shader = Shader::ALL.iter().find(|shader| shader.name() == stem);
    let preludes = shader.map_or(String::new(), |shader| shader.preludes());
    Ok(Kernel { name, source: format!("{preludes}{source}"), constants: constants.to_vec(), is_checked: true })
}
