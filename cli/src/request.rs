//! What the maps of `explain` depend on but their input, so that a later run knows whether it may go on.

use serde_json::{Map, Value, json};

use super::args::ExplainArguments;
use super::methods;
use super::network::PreprocessingReport;
use super::values::{ClassSpec, Dimensions, Save, Size};
use super::without::comparison::Comparison;
use agf::methods::Method;

/// The settings by name.
pub(super) fn of(
    arguments: &ExplainArguments,
    save: &[Save],
    chosen: &[Method],
    comparison: &Comparison,
) -> Map<String, Value> {
    let model = &comparison.model;
    let method =
        |method: &Method| json!({"name": method.name(), "options": methods::options(method, &arguments.method.ablate)});
    let mut classes: Vec<String> = arguments.classes.iter().map(class).collect();
    classes.sort();
    classes.dedup();
    let mut save: Vec<&str> = save.iter().map(|save| save.name()).collect();
    save.sort_unstable();
    let settings = [
        ("version", json!(env!("CARGO_PKG_VERSION"))),
        ("model", json!(model.name())),
        ("weights", json!(format!("{:016x}", model.weights.fingerprint()))),
        ("precision", json!(model.precision.name())),
        ("labels", json!(model.labels().source().to_string())),
        ("preprocessing", json!(PreprocessingReport::from(model.input_spec()))),
        ("methods", json!(chosen.iter().map(method).collect::<Vec<_>>())),
        ("classes", json!(classes)),
        ("size", json!(arguments.input.size.map_or("standard".into(), size))),
        ("save", json!(save)),
        ("colormap", json!(arguments.colormap.name())),
        ("range", json!(arguments.range.to_string())),
        ("audit", json!(arguments.audit.then(|| arguments.method.seed()))),
        ("winograd", json!(arguments.device.winograd.name())),
    ];
    let roles: Vec<String> = arguments.model.roles.iter().map(ToString::to_string).collect();
    let roles = (!roles.is_empty()).then(|| ("roles", json!(roles)));
    let settings = settings.into_iter().chain(roles).map(|(name, value)| (name.to_owned(), value));
    settings.chain(comparison.settings.clone()).collect()
}

fn class(spec: &ClassSpec) -> String {
    match spec {
        ClassSpec::Top(count) => format!("top:{count}"),
        ClassSpec::Id(id) => id.to_string(),
        ClassSpec::Name(name) => name.clone(),
    }
}

fn size(size: Size) -> String {
    match size {
        Size::Fixed(Dimensions { height, width }) => format!("{height}x{width}"),
        Size::Native => "native".into(),
    }
}
