//! `agf-run verify`: whether the GPU computes what the reference in 64 bit computes.

use super::args::VerifyArguments;
use super::terminal::{Terminal, count_of};
use super::values::Dimensions;
use super::{CliError, Outcome, setup};
use agf::session::SessionShape;
use agf::verify::{NodeCheck, verify};
use agf::{Batch, Explainer};

/// Worst nodes that are listed.
const LISTED: usize = 10;

/// Runs the command.
pub fn run(arguments: &VerifyArguments) -> Result<Outcome, CliError> {
    let model = arguments.model.open_or_make_up()?;
    let gpu = arguments.device.open()?;
    let mut terminal = Terminal::plain();
    terminal.say(setup::introduction(&model, &gpu));
    let (count, Dimensions { height, width }) = (arguments.batch, arguments.size);
    // Tells whether one picture fits the adapter, before anything large is made.
    let method = arguments.method.resolve()?;
    Explainer::new(&gpu, &model, method.clone()).plan_text(SessionShape { count: 1, height, width, slots: 1 })?;
    let batch = pattern(count, model.input_spec().order.channels(), height, width).ok_or(CliError::Pattern(count))?;
    let result = pollster::block_on(verify(&gpu, &model, &method, &batch))?;

    terminal.data(format_args!("{} checked, the worst:", count_of(result.checked.len(), "node")))?;
    for check in worst(&result.checked) {
        terminal.data(format_args!("  {}", describe(check)))?;
    }
    terminal.data(format_args!("map against the reference: relative error {:.2e}", result.map_error))?;
    if let Some(sensitivity) = result.map_sensitivity {
        terminal.data(format_args!(
            "rounding every value to 24 bits, as f32 does, moves the exact map by {sensitivity:.2e}"
        ))?;
    }
    if result.passed() {
        terminal.data("all nodes are within tolerance, and results are the same where values share memory")?;
        return Ok(Outcome::Fine);
    }
    if let Some(check) = result.first_failure.and_then(|index| result.checked.get(index)) {
        terminal.data(format_args!("first node out of tolerance: {}", describe(check)))?;
        terminal.error(format_args!("node '{}' is out of tolerance", check.name));
    }
    if result.stray_words > 0 {
        let words = count_of(result.stray_words, "word");
        terminal.error(format_args!("{words} of GPU memory that belong to no value were overwritten"));
    }
    if !result.changed_by_sharing.is_empty() {
        let names = result.changed_by_sharing.join("', '");
        terminal.error(format_args!("'{names}' have other bits where values share memory"));
    }
    Ok(Outcome::CheckFailed)
}

/// Normalised pictures that excite every layer: values from -2 to 2, the same on every machine. None if there is no
/// memory for them.
fn pattern(count: u32, channels: u32, height: u32, width: u32) -> Option<Batch> {
    let value = |at: u32| {
        let top_24_bits = at.wrapping_mul(2_654_435_761) >> 8;
        top_24_bits as f32 / (1 << 22) as f32 - 2.0
    };
    let elements = u64::from(channels) * u64::from(count) * u64::from(height) * u64::from(width);
    let mut data = Vec::new();
    data.try_reserve_exact(usize::try_from(elements).ok()?).ok()?;
    // Wraps for pictures that fill gigabytes, which does no harm.
    data.extend((0..elements).map(|at| value(at as u32)));
    Some(Batch::new(count, height, width, data))
}

/// The nodes that come closest to their tolerance or go past it, the worst first; NaN is the worst.
fn worst(checked: &[NodeCheck]) -> Vec<&NodeCheck> {
    let mut order: Vec<&NodeCheck> = checked.iter().collect();
    order.sort_by(|a, b| strain(b).total_cmp(&strain(a)));
    order.truncate(LISTED);
    order
}

/// The error in units of the tolerance, which may be 0.
fn strain(check: &NodeCheck) -> f64 {
    let NodeCheck { relative_error, tolerance, .. } = *check;
    if relative_error == 0.0 { 0.0 } else { (relative_error / tolerance).abs() }
}

fn describe(check: &NodeCheck) -> String {
    let NodeCheck { name, op, shape, relative_error, tolerance, detail } = check;
    let detail = if detail.is_empty() { String::new() } else { format!("; {detail}") };
    format!("{name} ({op}, {shape}): relative error {relative_error:.2e}, tolerance {tolerance:.2e}{detail}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use agf::graph::Shape;

    #[test]
    fn the_worst_node_comes_first() {
        let check = |relative_error, tolerance| NodeCheck {
            name: String::new(),
            op: "add",
            shape: Shape::SCALAR,
            relative_error,
            tolerance,
            detail: String::new(),
        };
        let checked = [check(0.0, 0.0), check(1e-6, 1e-5), check(1e-3, 0.0), check(2e-6, 1e-5), check(f64::NAN, 1e-5)];
        let order: Vec<f64> = worst(&checked).iter().map(|check| check.relative_error).collect();
        assert!(order[0].is_nan());
        assert_eq!(order[1..], [1e-3, 2e-6, 1e-6, 0.0]);
    }

    #[test]
    fn the_pattern_fills_the_batch() {
        let batch = pattern(2, 3, 5, 7).unwrap();
        assert_eq!(batch.data.len(), 2 * 3 * 5 * 7);
        assert!(batch.data.iter().all(|value| (-2.0..=2.0).contains(value)));
        assert!(batch.data.iter().any(|value| *value > 1.5) && batch.data.iter().any(|value| *value < -1.5));
    }
}
