//! `agf-run devices`: what there is to run on, and which one would be taken.

use super::args::DevicesArguments;
use super::terminal::Terminal;
use super::{CliError, Outcome};
use agf::gpu::{self, AdapterSummary};

/// Runs the command.
pub fn run(arguments: &DevicesArguments) -> Result<Outcome, CliError> {
    let selection = arguments.device.selection();
    let adapters = pollster::block_on(gpu::adapters(&selection));
    let offers = match arguments.limits {
        true => pollster::block_on(gpu::offers(&selection)),
        false => Vec::new(),
    };
    let mut terminal = Terminal::plain();
    for (position, adapter) in adapters.iter().enumerate() {
        terminal.data(describe(adapter))?;
        if let Some(offers) = offers.get(position) {
            terminal.data(offers)?;
        }
    }
    let (position, why) = gpu::choose(&adapters, &selection)?;
    if let Some(taken) = adapters.get(position) {
        terminal.data(format_args!("\nTaken: {} {} ({why})", taken.index, taken.name))?;
    }
    // That the device does not open is for commands that need it to say.
    if let Ok(gpu) = arguments.device.open()
        && !gpu.profile().choices.tuning.is_empty()
    {
        terminal
            .data(format_args!("Tuned: choices of agf-run tune for {} shapes", gpu.profile().choices.tuning.len()))?;
    }
    Ok(Outcome::Fine)
}

fn describe(adapter: &AdapterSummary) -> String {
    let has = |is_there| if is_there { "yes" } else { "no" };
    let subgroup = match adapter.subgroup {
        Some((least, most)) if least == most => format!("{least} lanes"),
        Some((least, most)) => format!("{least} to {most} lanes"),
        None => "no".into(),
    };
    let AdapterSummary { index, name, kind, backend, .. } = adapter;
    let driver = [adapter.driver.as_str(), &adapter.driver_info].join(" ");
    format!(
        "{index}  {name}\n   {kind}, {backend}, driver {driver}\n   \
         largest buffer {}, largest binding {}\n   \
         subgroups: {subgroup}; 16 bit floats: {}; timestamps: {}; pipeline cache: {}",
        size(adapter.max_buffer_bytes),
        size(adapter.max_binding_bytes),
        has(adapter.shader_f16),
        has(adapter.timestamps),
        has(adapter.pipeline_cache),
    )
}

/// Bytes with the unit that fits.
fn size(bytes: u64) -> String {
    const GIB: u64 = 1 << 30;
    const UNLIMITED: u64 = 1 << 50;
    match bytes {
        UNLIMITED.. => "unlimited".into(),
        GIB.. => format!("{:.1} GiB", bytes as f64 / GIB as f64),
        _ => format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20)),
    }
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_have_a_unit() {
        assert_eq!(size(128 << 20), "128.0 MiB");
        assert_eq!(size((4 << 30) - 4), "4.0 GiB");
        assert_eq!(size(u64::MAX), "unlimited");
    }
}
