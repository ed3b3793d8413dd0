//! The document as tables for people.

use std::fmt::Write;

use super::Document;
use super::start::Start;
use crate::terminal::count_of;
use agf::benchmark::{KernelRow, Summary};
use agf::gpu::Clock;

/// The whole text. Writing to a string cannot fail.
pub fn text(document: &Document) -> String {
    let mut text = String::new();
    let _ = header(&mut text, document);
    let _ = networks(&mut text, document);
    let _ = kernels(&mut text, document);
    text
}

fn clock(clock: Clock) -> &'static str {
    match clock {
        Clock::GpuTimestamps => "GPU timestamps",
        Clock::Wall => "wall time",
    }
}

fn header(text: &mut String, document: &Document) -> std::fmt::Result {
    let Document { adapter, machine, network, settings, .. } = document;
    writeln!(text, "agf {}, {} {}, {} threads", document.agf, machine.system, machine.architecture, machine.threads)?;
    writeln!(text, "{}", adapter.line())?;
    writeln!(text, "{} ({}), input {}x{}", network.model, network.weights, settings.height, settings.width)?;
    writeln!(text, "medians of many runs, with quartiles and extremes\n")
}

fn networks(text: &mut String, document: &Document) -> std::fmt::Result {
    let measured = &document.measurement;
    let networks = &measured.networks;
    let times = clock(measured.network_clock);
    writeln!(
        text,
        "{:34} {:>10} {:>10} {:>10} {:>10} {:>10} {:>5}",
        "", "median", "quartile", "quartile", "least", "greatest", "runs"
    )?;
    line(text, "FMA probe, GFLOP/s", &measured.fma_probe)?;
    line(text, "copy probe, GB/s", &measured.copy_probe)?;
    line(text, "forward pass, ms", &networks.forward)?;
    line(text, "explanation of one class, ms", &networks.explanation)?;
    line(text, "the same with its audit, ms", &networks.audited_explanation)?;
    line(text, "each further class, ms", &networks.further_class)?;
    if let Some(batch) = &networks.batch {
        let pictures = count_of(batch.pictures as usize, "picture");
        line(text, &format!("{pictures} at once, ms"), &batch.together)?;
        line(text, &format!("{pictures} one by one, ms"), &batch.singly)?;
    }
    if let Some(start) = &document.start {
        line(text, "cold start, s", &start.cold_seconds)?;
        line(text, "warm start, s", &start.warm_seconds)?;
    }
    writeln!(
        text,
        "\nnetworks: {times}, from picture to result in main memory; kernels and probes: {}",
        clock(measured.kernel_clock)
    )?;
    writeln!(text, "explanation over forward pass: {:.2}", networks.explanation_over_forward)?;
    writeln!(text, "each further class over forward pass: {:.2}", networks.further_class_over_forward)?;
    if let Some(batch) = &networks.batch {
        let pictures = count_of(batch.pictures as usize, "picture");
        writeln!(text, "{pictures} at once over one by one: {:.2}", batch.together_over_singly)?;
    }
    memory(text, document)
}

fn memory(text: &mut String, document: &Document) -> std::fmt::Result {
    let memory = &document.measurement.memory;
    let mega = |bytes: u64| bytes as f64 / 1e6;
    let (values, bound, weights) = (mega(memory.values), mega(memory.values_lower_bound), mega(memory.weights));
    writeln!(text, "planned GPU memory: values {values:.1} MB (lower bound {bound:.1} MB), weights {weights:.1} MB")?;
    let Some(Start { caches, peak_resident_bytes, .. }) = &document.start else { return Ok(()) };
    if let Some(bytes) = peak_resident_bytes {
        writeln!(text, "most memory of the process: {:.1} MB", mega(*bytes))?;
    }
    writeln!(text, "start: `agf-run explain` for one class; caches {caches}")
}

fn line(text: &mut String, name: &str, summary: &Summary) -> std::fmt::Result {
    let Summary { median, lower_quartile, upper_quartile, least, greatest, runs } = summary;
    writeln!(
        text,
        "{name:34} {median:>10.2} {lower_quartile:>10.2} {upper_quartile:>10.2} \
         {least:>10.2} {greatest:>10.2} {runs:>5}"
    )
}

fn kernels(text: &mut String, document: &Document) -> std::fmt::Result {
    let measured = &document.measurement;
    let rows = &measured.kernels;
    let width = |of: fn(&KernelRow) -> &str, least| rows.iter().map(|row| of(row).len()).max().unwrap_or(0).max(least);
    let (kernel, shape) = (width(|row| &row.kernel, 6), width(|row| &row.shape, 5));
    writeln!(
        text,
        "\nkernels of an explanation of one class, {:.2} ms in all; P: share of the FMA probe, C: of the copy probe",
        measured.kernels_total.median
    )?;
    writeln!(
        text,
        "{:kernel$}  {:shape$} {:>5} {:>9} {:>9} {:>9} {:>8} {:>6} {:>7} {:>6}",
        "kernel", "shape", "steps", "ms", "least", "greatest", "GFLOP/s", "P", "GB/s", "C"
    )?;
    for row in rows {
        let KernelRow { steps, milliseconds: ms, gflops, gigabytes_per_second, share_of_fma, share_of_copy, .. } = row;
        writeln!(
            text,
            "{:kernel$}  {:shape$} {steps:>5} {:>9.3} {:>9.3} {:>9.3} {gflops:>8.2} {share_of_fma:>6.3} \
             {gigabytes_per_second:>7.2} {share_of_copy:>6.3}",
            row.kernel, row.shape, ms.median, ms.least, ms.greatest
        )?;
    }
    Ok(())
}
