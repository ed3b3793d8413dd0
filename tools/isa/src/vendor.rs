//! What any Mesa driver says of kernels: registers, spills and instructions, each by its own names.

use crate::driver::Driver;
use crate::error::Error;
use crate::kernels::Kernel;
use crate::spirv;
use agf::plan::Strategy;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Names of registers of a lane: AMD, NVIDIA, Qualcomm, Apple.
const REGISTERS: [&str; 4] = ["VGPRs", "Number of GPRs", "Registers used", "GPRs"];
/// Names of registers that went to memory, or of instructions that brought them there.
const SPILLS: [&str; 4] = ["Spilled VGPRs", "Spills to memory", "STP Count", "Spills"];
const INSTRUCTIONS: [&str; 3] = ["Instructions", "Instruction count", "Instruction Count"];

/// The strategies that cards of this name take: those whose lanes have few registers, or the others.
pub fn strategies(card: &str) -> &'static [Strategy] {
    let has_few_registers = ["Adreno", "Apple"].iter().any(|name| card.contains(name));
    if has_few_registers { &[Strategy::SMALL_GRAPHICS_CARD] } else { &[Strategy::GRAPHICS_CARD] }
}

/// A kernel on a card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statistics {
    /// Kernel and constants.
    pub kernel: String,
    /// Registers of a lane, in the driver's unit.
    pub registers: u64,
    /// Registers that did not fit.
    pub spills: u64,
    /// Instructions.
    pub instructions: u64,
}

/// Compiles a kernel and asks for its statistics.
///
/// # Errors
/// [`Error`] where it does not translate, the driver refuses it, or has other statistics than are known.
pub fn examine(driver: &Driver, kernel: &Kernel) -> Result<Statistics, Error> {
    let found = driver.compile(&spirv::translate(kernel, kernel.is_checked)?)?.statistics;
    let get = |names: &[&str]| {
        let value = names.iter().find_map(|name| found.get(*name));
        let known = |statistics: &BTreeMap<String, f64>| statistics.keys().cloned().collect::<Vec<_>>().join(", ");
        let reason = || format!("of {names:?} it has none, but: {}", known(&found));
        value.map(|&value| value as u64).ok_or_else(|| Error::Driver { family: driver.name().into(), reason: reason() })
    };
    Ok(Statistics {
        kernel: kernel.name.clone(),
        registers: get(&REGISTERS)?,
        spills: get(&SPILLS)?,
        instructions: get(&INSTRUCTIONS)?,
    })
}

/// The kernels of a card as an aligned table.
pub fn table(card: &str, kernels: &[Statistics]) -> String {
    let width = kernels.iter().map(|found| found.kernel.len()).max().unwrap_or(0);
    let mut text = format!("{card}\n{:width$} {:>9} {:>6} {:>12}\n", "kernel", "registers", "spills", "instructions");
    for Statistics { kernel, registers, spills, instructions } in kernels {
        let _ = writeln!(text, "{kernel:width$} {registers:>9} {spills:>6} {instructions:>12}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_aligned() {
        let of = |kernel: &str, spills| Statistics { kernel: kernel.into(), registers: 128, spills, instructions: 9 };
        let table = table("NVK", &[of("reduce", 3), of("winograd_output_4x4", 0)]);
        assert_eq!(table.lines().map(str::len).collect::<Vec<_>>()[1..], [49; 3], "{table}");
    }
}
