//! `agf-run model`: what a network is.

use std::collections::BTreeMap;

use serde::Serialize;

use super::args::{ModelArguments, NetworkModelArguments};
use super::network::PreprocessingReport;
use super::terminal::{Terminal, count_of};
use super::values::{Dimensions, NetworkSource};
use super::{CliError, Outcome, setup};
use agf::Error;
use agf::graph::{Forward, Graph, Op};
use agf::models::onnx::{Onnx, OnnxSummary};
use agf::models::{Model, Precision};

/// What a network is.
#[derive(Serialize)]
struct Description {
    model: String,
    /// Of an ONNX file.
    file: Option<FileDescription>,
    input: String,
    preprocessing: PreprocessingReport,
    classes: u32,
    labels: String,
    parameters: usize,
    tensors: usize,
    /// How often each operation occurs.
    operations: BTreeMap<&'static str, usize>,
    /// How many convolutions have each role.
    roles: BTreeMap<&'static str, usize>,
    convolutions: Vec<ConvolutionDescription>,
    notes: Vec<String>,
}

/// What of an ONNX file became the network.
#[derive(Serialize)]
struct FileDescription {
    opset: i64,
    input: String,
    output: String,
    nodes: usize,
    /// Behind the logits.
    left_off: Vec<String>,
    rounded: usize,
}

#[derive(Serialize)]
struct ConvolutionDescription {
    name: String,
    role: &'static str,
    kernel: [u32; 2],
    groups: u32,
    input: String,
    output: String,
}

/// Runs the command.
pub fn run(arguments: &NetworkModelArguments) -> Result<Outcome, CliError> {
    let (model, onnx) = opened(arguments)?;
    let description = describe(arguments, &model, onnx.as_ref())?;
    let mut terminal = Terminal::plain();
    match arguments.json {
        true => terminal.data(serde_json::to_string_pretty(&description).map_err(std::io::Error::from)?)?,
        false => terminal.data(text(&description).trim_end())?,
    }
    Ok(Outcome::Fine)
}

/// The model, and what was read where that is an ONNX file.
fn opened(arguments: &NetworkModelArguments) -> Result<(Model, Option<Onnx>), CliError> {
    let of_model = ModelArguments {
        model: arguments.model.clone(),
        weights: None,
        skip_tensors: Vec::new(),
        onnx: arguments.onnx.clone(),
        roles: arguments.roles.clone(),
        precision: Precision::F32,
    };
    let NetworkSource::Onnx(path) = &arguments.model else { return Ok((of_model.open_or_make_up()?, None)) };
    let onnx = of_model.open_onnx(path)?;
    // Weights are not told of, so that those which are no more than shapes may be made up.
    let model = of_model.finished(setup::of_onnx(path, &onnx, true)?)?;
    setup::tell_notes(&model);
    Ok((model, Some(onnx)))
}

fn describe(arguments: &NetworkModelArguments, model: &Model, onnx: Option<&Onnx>) -> Result<Description, CliError> {
    let spec = model.input_spec();
    let Dimensions { height, width } = arguments.size.unwrap_or(Dimensions { height: spec.height, width: spec.width });
    let network = model.build(height, width).map_err(Error::from)?;
    let file = onnx.map(|onnx| onnx.summary(height, width)).transpose()?;
    let graph = &network.graph;
    let mut operations = BTreeMap::new();
    for forward in graph.nodes().iter().filter_map(|node| forward(node.op)) {
        *operations.entry(forward.name()).or_default() += 1;
    }
    let convolutions = convolutions(graph);
    let mut roles = BTreeMap::new();
    for convolution in &convolutions {
        *roles.entry(convolution.role).or_default() += 1;
    }
    let parameters = model.recipe.parameters();
    Ok(Description {
        model: model.name().into(),
        file: file.map(Into::into),
        input: graph.shape(network.input).to_string(),
        preprocessing: spec.into(),
        classes: model.classes(),
        labels: model.labels().source().to_string(),
        parameters: parameters.iter().map(|parameter| parameter.element_count()).sum(),
        tensors: parameters.len(),
        operations,
        roles,
        convolutions,
        notes: model.notes.clone(),
    })
}

fn forward(op: Op) -> Option<Forward> {
    match op {
        Op::Forward(forward) => Some(forward),
        Op::Backward(_) | Op::Explain(_) => None,
    }
}

fn convolutions(graph: &Graph) -> Vec<ConvolutionDescription> {
    let describe = |node: &agf::graph::Node| {
        let Some(Forward::Convolve { layer, .. }) = forward(node.op) else { return None };
        let convolution = graph.convolution(layer);
        Some(ConvolutionDescription {
            name: node.name.clone(),
            role: graph.role(layer).name(),
            kernel: convolution.window.kernel,
            groups: convolution.groups,
            input: graph.shape(*node.inputs.first()?).to_string(),
            output: node.shape.to_string(),
        })
    };
    graph.nodes().iter().filter_map(describe).collect()
}

impl From<OnnxSummary> for FileDescription {
    fn from(summary: OnnxSummary) -> Self {
        let OnnxSummary { opset, input, output, nodes, left_off, rounded, .. } = summary;
        Self { opset, input, output, nodes, left_off, rounded }
    }
}

/// The description as a table: what, and its value.
fn text(description: &Description) -> String {
    let counted = |counts: &BTreeMap<&str, usize>| {
        let counts: Vec<String> = counts.iter().map(|(name, count)| format!("{name} {count}")).collect();
        counts.join(", ")
    };
    let mut rows = vec![("model", description.model.clone())];
    if let Some(file) = &description.file {
        rows.push(("file", format!("operator set {}, {}", file.opset, count_of(file.nodes, "node"))));
        rows.push(("names", format!("input '{}', output '{}'", file.input, file.output)));
        let left_off = if file.left_off.is_empty() { "nothing".into() } else { file.left_off.join(", ") };
        rows.push(("left off at the end", left_off));
        if file.rounded > 0 {
            rows.push(("rounded to 32 bits", count_of(file.rounded, "tensor")));
        }
    }
    let PreprocessingReport { resize, order, mean, std, .. } = &description.preprocessing;
    rows.push(("input", format!("{}, {order}, less {mean:?}, by {std:?} (bytes), {resize}", description.input)));
    rows.push(("classes", format!("{}, names: {}", description.classes, description.labels)));
    rows.push(("parameters", format!("{} in {}", description.parameters, count_of(description.tensors, "tensor"))));
    rows.push(("operations", counted(&description.operations)));
    rows.push(("roles", counted(&description.roles)));
    rows.extend(description.convolutions.iter().map(|convolution| {
        let ConvolutionDescription { name, role, kernel: [rows, columns], groups, input, output } = convolution;
        let groups = if *groups == 1 { String::new() } else { format!(", {groups} groups") };
        ("convolution", format!("{name}\t{role}\t{rows}x{columns}{groups}\t{input} -> {output}"))
    }));
    rows.into_iter().map(|(what, value)| format!("{what}\t{value}\n")).collect()
}
