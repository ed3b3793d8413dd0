//! One record per kernel and card, the table, and the bounds that hold.

use crate::assembly::{HotLoop, hot_loop};
use crate::driver::{Driver, Output};
use crate::error::Error;
use crate::kernels::Kernel;
use crate::spirv;
use serde::{Deserialize, Serialize};
use std::fmt::Write;

/// Most vector registers: 128 leave room for eight subgroups of 64 lanes on RDNA 2.
pub const MOST_REGISTERS: u64 = 128;
/// Most vector registers of tiles in workgroup memory: four subgroups are enough where each lane has up to 64 sums
/// under way.
pub const MOST_TILE_REGISTERS: u64 = 240;
/// Smallest share of multiply-adds among the vector instructions of a dense convolution's hot loop.
/// Scalar instructions go to a unit of their own, beside the vector unit's.
pub const SMALLEST_SHARE: f64 = 0.8;
/// Kernels whose hot loop is held to [`SMALLEST_SHARE`].
pub const HELD_TO_SHARE: [&str; 2] = ["convolution_uniform", TILES];
const TILES: &str = "convolution_tiled";

/// What the compiler made of a kernel.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Record {
    /// Card family, as RADV names it.
    pub family: String,
    /// Kernel and constants.
    pub kernel: String,
    /// Vector registers of a lane.
    pub vector_registers: u64,
    /// Vector registers that did not fit.
    pub spilled_vector: u64,
    /// Scalar registers that did not fit.
    pub spilled_scalar: u64,
    /// Bytes of scratch memory.
    pub scratch_bytes: u64,
    /// Bytes of workgroup memory.
    pub workgroup_bytes: u64,
    /// Subgroups that fit a SIMD at a time.
    pub occupancy: u64,
    /// Instructions of the whole shader.
    pub instructions: u64,
    /// The loop in which it computes; `None` where no loop has a multiply-add.
    pub hot_loop: Option<HotLoop>,
}

/// Compiles a kernel; with its assembly.
///
/// # Errors
/// [`Error`] where it does not translate or the driver refuses it.
pub fn examine(driver: &Driver, family: &str, kernel: &Kernel, checked: bool) -> Result<(Record, String), Error> {
    let Output { statistics, assembly } = driver.compile(&spirv::translate(kernel, checked)?)?;
    let reason = "it captured no assembly (built without a disassembler?)".to_string();
    let assembly = assembly.ok_or_else(|| Error::Driver { family: driver.name().into(), reason })?;
    let get = |name: &str| {
        let found = statistics.get(name).map(|&value| value as u64);
        let reason = format!("it has no statistic '{name}'; this Mesa is not one that the tool knows");
        found.ok_or_else(|| Error::Driver { family: family.into(), reason })
    };
    let record = Record {
        family: family.into(),
        kernel: kernel.name.clone(),
        vector_registers: get("VGPRs")?,
        spilled_vector: get("Spilled VGPRs")?,
        spilled_scalar: get("Spilled SGPRs")?,
        scratch_bytes: get("Scratch size")?,
        workgroup_bytes: get("LDS size")?,
        occupancy: get("Subgroups per SIMD")?,
        instructions: get("Instructions")?,
        hot_loop: hot_loop(&assembly),
    };
    Ok((record, assembly))
}

impl Record {
    /// Bounds that it breaks, in words.
    pub fn violations(&self) -> Vec<String> {
        let mut violations = Vec::new();
        let mut complain = |what: String| violations.push(format!("{} {}: {what}", self.family, self.kernel));
        if self.spilled_vector + self.spilled_scalar + self.scratch_bytes > 0 {
            let (vector, scalar, scratch) = (self.spilled_vector, self.spilled_scalar, self.scratch_bytes);
            complain(format!("spills {vector} vector and {scalar} scalar registers, {scratch} bytes of scratch"));
        }
        let most = if self.kernel.starts_with(TILES) { MOST_TILE_REGISTERS } else { MOST_REGISTERS };
        if self.vector_registers > most {
            complain(format!("{} vector registers, at most {most}", self.vector_registers));
        }
        let share = self.hot_loop.map_or(0.0, |found| found.always.share_of_vector());
        let is_held = HELD_TO_SHARE.iter().any(|name| self.kernel.starts_with(name));
        if is_held && share < SMALLEST_SHARE {
            complain(format!(
                "{:.1} % multiply-adds in the hot loop, at least {:.0} %",
                100.0 * share,
                100.0 * SMALLEST_SHARE
            ));
        }
        violations
    }
}

/// The records as an aligned table.
pub fn table(records: &[Record]) -> String {
    let width = records.iter().map(|record| record.kernel.len()).max().unwrap_or(0);
    let mut text = format!(
        "{:8} {:width$} {:>5} {:>6} {:>7} {:>5} {:>5} {:>6} {:>6} {:>6} {:>6} {:>6} {:>9}\n",
        "family",
        "kernel",
        "VGPRs",
        "spills",
        "scratch",
        "LDS",
        "occ.",
        "instr.",
        "loop",
        "FMA",
        "FMA %",
        "VALU %",
        "FMA/instr"
    );
    for record in records {
        let spills = record.spilled_vector + record.spilled_scalar;
        let _ = write!(
            text,
            "{:8} {:width$} {:>5} {:>6} {:>7} {:>5} {:>5} {:>6}",
            record.family,
            record.kernel,
            record.vector_registers,
            spills,
            record.scratch_bytes,
            record.workgroup_bytes,
            record.occupancy,
            record.instructions
        );
        let _ = match record.hot_loop.map(|found| found.always) {
            Some(count) => writeln!(
                text,
                " {:>6} {:>6} {:>6.1} {:>6.1} {:>9.2}",
                count.instructions,
                count.fused,
                100.0 * count.share(),
                100.0 * count.share_of_vector(),
                count.per_instruction()
            ),
            None => writeln!(text, " {:>6} {:>6} {:>6} {:>6} {:>9}", "-", "-", "-", "-", "-"),
        };
    }
    text
}
