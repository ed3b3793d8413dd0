//! From records to what is shown and kept: the table, JSON, CSV and plots.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::terminal::{Terminal, count_of};
use crate::{CliError, Outcome, output};
use agf::evaluation::records::{self, RecordReader, Settings};
use agf::evaluation::{Curve, Evaluation, Means, Row};
use agf::image::{Chart, Line, is_written_by_us, write_atomically, write_png};

/// Everything, as JSON.
const DOCUMENT: &str = "results.json";
/// A row per method.
const TABLE: &str = "results.csv";
/// The points of all curves.
const CURVES: &str = "curves.csv";
/// Pictures that could not be used which are told one by one.
const SHOWN: usize = 50;

/// Reads the records of a folder, writes the results beside them, prints them, and lists the pictures that could not be
/// used.
pub(super) fn write(folder: &Path, as_json: bool, terminal: &mut Terminal) -> Result<Outcome, CliError> {
    let mut reader = RecordReader::open(folder)?;
    let mut means = Means::default();
    while let Some(record) = reader.next_record()? {
        means.add(&record);
    }
    let settings = reader.settings();
    let evaluation = evaluation_of(settings, folder)?;
    let methods = method_names(settings);
    let (rows, curves) = (means.table(evaluation, &methods), means.curves(evaluation, &methods));

    let document = document(settings, evaluation, &means, &rows, &curves);
    let json = output::to_json(&document)?;
    write_text(&folder.join(DOCUMENT), &format!("{json}\n"))?;
    write_text(&folder.join(TABLE), &csv(evaluation, &rows))?;
    if !curves.is_empty() {
        write_text(&folder.join(CURVES), &curves_csv(&curves))?;
    }
    for curve in &curves {
        let chart = chart(curve);
        write_png(plot(folder, &curve.title, "png"), &chart.draw())?;
        write_text(&plot(folder, &curve.title, "svg"), &chart.to_svg())?;
    }

    terminal.data(if as_json { json } else { table(evaluation, &rows).trim_end().to_owned() })?;
    let failed = means.failures().len();
    for (_, error) in means.failures().iter().take(SHOWN) {
        terminal.error(error);
    }
    if failed > SHOWN {
        let (more, file) = (failed - SHOWN, folder.join(DOCUMENT));
        terminal.error(format_args!("{more} more could not be used; see \"failed\" in {}", file.display()));
    }
    let failures = if failed == 0 { String::new() } else { format!(", {failed} could not be used") };
    let of = if evaluation == Evaluation::GridPointing { "mosaic" } else { "picture" };
    let count = count_of(means.pictures() as usize, of);
    terminal.say(format_args!("{evaluation}: {count}{failures}; see {}", folder.display()));
    Ok(if failed == 0 { Outcome::Fine } else { Outcome::Failed })
}

/// Fails where something lies that is no result of an earlier run and would be replaced: a photo, perhaps, or a table
/// of the user's. Plots say themselves what they are; tables belong to the records beside them.
pub(super) fn spare_others(folder: &Path, evaluation: Evaluation) -> Result<(), CliError> {
    let titles = evaluation.curve_titles();
    let tables =
        [DOCUMENT, TABLE].into_iter().chain((!titles.is_empty()).then_some(CURVES)).map(|name| folder.join(name));
    let plots = titles.iter().flat_map(|title| ["png", "svg"].map(|ending| plot(folder, title, ending)));
    let has_records = folder.join(records::FILE).exists();
    let foreign = tables.filter(|_| !has_records).chain(plots.filter(|path| !is_written_by_us(path)));
    match foreign.into_iter().find(|path| path.symlink_metadata().is_ok()) {
        Some(path) => Err(CliError::ForeignResult(path)),
        None => Ok(()),
    }
}

/// The evaluation that records are of.
pub(super) fn evaluation_of(settings: &Settings, folder: &Path) -> Result<Evaluation, CliError> {
    let evaluation = settings.get("evaluation").and_then(Value::as_str).and_then(Evaluation::from_name);
    evaluation.ok_or_else(|| CliError::UnknownEvaluation { folder: folder.into() })
}

/// The file of a plot.
fn plot(folder: &Path, title: &str, ending: &str) -> PathBuf {
    folder.join(format!("{}.{ending}", title.replace(", ", "-")))
}

fn method_names(settings: &Settings) -> Vec<String> {
    let methods = settings.get("methods").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    methods.iter().filter_map(|method| Some(method.get("name")?.as_str()?.to_owned())).collect()
}

fn write_text(path: &Path, text: &str) -> Result<(), CliError> {
    Ok(write_atomically(path, |file| file.write_all(text.as_bytes()))?)
}

fn document(settings: &Settings, evaluation: Evaluation, means: &Means, rows: &[Row], curves: &[Curve]) -> Value {
    let score = |row: &Row| {
        let names = evaluation.columns().iter().map(|(name, _)| (*name).to_owned());
        let scores: serde_json::Map<String, Value> =
            names.zip(&row.values).map(|(name, value)| (name, json!(value))).collect();
        (row.method.clone(), Value::Object(scores))
    };
    let curve = |curve: &Curve| {
        let lines: serde_json::Map<String, Value> =
            curve.lines.iter().map(|(method, values)| (method.clone(), json!(values))).collect();
        json!({"title": curve.title, "x_label": curve.x_label, "y_label": curve.y_label, "x": curve.x, "lines": lines})
    };
    let failure = |(item, error): &(String, String)| json!({"item": item, "error": error});
    json!({
        "settings": settings,
        "pictures": means.pictures(),
        "failed": means.failures().iter().map(failure).collect::<Vec<_>>(),
        "scores": rows.iter().map(score).collect::<serde_json::Map<String, Value>>(),
        "curves": curves.iter().map(curve).collect::<Vec<_>>(),
    })
}

/// The table as Markdown: readable as it is, and ready to be pasted. Arrows say where better is.
fn table(evaluation: Evaluation, rows: &[Row]) -> String {
    let arrow = |better: Option<bool>| better.map_or("", |more| if more { " ↑" } else { " ↓" });
    let titles = evaluation.columns().iter().map(|(name, better)| format!("{name}{}", arrow(*better)));
    let mut lines: Vec<Vec<String>> = vec![std::iter::once("method".to_owned()).chain(titles).collect()];
    for row in rows {
        let mut line = vec![row.method.clone()];
        let cell = |(value, (name, _)): (&Option<f64>, &(&str, _))| match value {
            Some(value) if name.ends_with('%') => format!("{value:.2}"),
            Some(value) => format!("{value:.4}"),
            None => "-".into(),
        };
        line.extend(row.values.iter().zip(evaluation.columns()).map(cell));
        lines.push(line);
    }
    let count = lines[0].len();
    let width = |column: usize| lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..count).map(|column| width(column).unwrap_or(0).max(3)).collect();
    let mut text = String::new();
    for (index, line) in lines.iter().enumerate() {
        for (column, (cell, width)) in line.iter().zip(&widths).enumerate() {
            // Writing to a string does not fail.
            let _ = if column == 0 { write!(text, "| {cell:<width$} ") } else { write!(text, "| {cell:>width$} ") };
        }
        text.push_str("|\n");
        if index == 0 {
            for (column, width) in widths.iter().enumerate() {
                let _ = write!(text, "| {}{} ", "-".repeat(width - 1), if column == 0 { '-' } else { ':' });
            }
            text.push_str("|\n");
        }
    }
    text
}

fn csv(evaluation: Evaluation, rows: &[Row]) -> String {
    let mut text = String::from("method");
    for (name, _) in evaluation.columns() {
        let _ = write!(text, ",{}", name.replace(", ", " "));
    }
    text.push('\n');
    for row in rows {
        text.push_str(&row.method);
        for value in &row.values {
            let _ = write!(text, ",{}", value.map(|value| value.to_string()).unwrap_or_default());
        }
        text.push('\n');
    }
    text
}

fn curves_csv(curves: &[Curve]) -> String {
    let mut text = String::from("curve,method,x,y\n");
    for curve in curves {
        for (method, values) in &curve.lines {
            for (x, y) in curve.x.iter().zip(values) {
                let _ = writeln!(text, "{},{method},{x},{y}", curve.title.replace(", ", " "));
            }
        }
    }
    text
}

fn chart(curve: &Curve) -> Chart {
    let line = |(name, values): &(String, Vec<f64>)| Line {
        name: name.clone(),
        points: curve.x.iter().copied().zip(values.iter().copied()).collect(),
    };
    Chart {
        title: curve.title.clone(),
        x_label: curve.x_label.into(),
        y_label: curve.y_label.into(),
        lines: curve.lines.iter().map(line).collect(),
    }
}
