//! `agf-run embed`: photos in, penultimate vectors out.

use std::io::Write;
use std::path::{Path, PathBuf};

use agf::Explainer;
use agf::image::{Map, write_atomically, write_npy};
use agf::methods::Method;

use super::args::EmbedArguments;
use super::{WithoutClassError, outcome, with_features};
use crate::decode::Decoder;
use crate::former::Former;
use crate::lasting::Device;
use crate::pipeline::{self, Batches, Delivery};
use crate::terminal::{Terminal, count_of, escaped};
use crate::{CliError, Outcome, inputs, interrupt, setup};

/// Runs the command.
pub fn run(arguments: &EmbedArguments) -> Result<Outcome, CliError> {
    let list = list_of(&arguments.out)?;
    let common = &arguments.common;
    let model = with_features(common.network.apply(common.model.open()?)?, common.vectors.features.as_deref())?;
    let found = inputs::find(&arguments.input.inputs, None, &Former::default()).usable()?;
    let mut device = Device::open(&common.device)?;
    let mut explainer = Explainer::new(device.gpu(), &model, Method::default());
    explainer.limit_memory(common.max_memory.map(|size| size.0));
    let terminal = Terminal::with_progress(found.picture_count(), 1);
    interrupt::listen(terminal.clone(), Vec::new());
    terminal.say(setup::introduction(&model, device.gpu()));
    let mut explainer = device.lasting(explainer);
    found.note().into_iter().for_each(|note| terminal.say(note));
    let mut failed = found.failures.len();
    found.failures.iter().for_each(|failure| terminal.error(&failure.error));
    let decoder = Decoder { spec: model.input_spec(), framing: arguments.input.framing() };
    let (mut names, mut values) = (Vec::new(), Vec::new());
    for delivery in Batches::start(found.sources, decoder, arguments.input.batch.get() as usize)? {
        if interrupt::is_requested() {
            return Err(agf::Error::Stopped.into());
        }
        match delivery {
            Delivery::Failed(failure) => {
                failed += 1;
                terminal.advance(1);
                terminal.error(&failure.error);
            }
            Delivery::Batch(mut pictures) => {
                let batch = pipeline::batch_of(&mut pictures);
                let (vectors, _) = explainer.run(async |explainer| explainer.embed(&batch).await)?;
                names.extend(pictures.iter().map(|picture| escaped(&picture.label())));
                values.extend(vectors.into_iter().flatten());
                terminal.advance(pictures.len());
            }
        }
    }
    terminal.finish();
    if names.is_empty() {
        return Err(CliError::NoInputs("no picture could be read, so nothing was written".into()));
    }
    write(&arguments.out, &list, &names, &values)?;
    let (vectors, length) = (count_of(names.len(), "vector"), values.len() / names.len());
    let failures = if failed == 0 { String::new() } else { format!(", {failed} failed") };
    let (out, list) = (arguments.out.display(), list.display());
    terminal.say(format_args!("{vectors} of {length} values{failures}; see {out}, and {list} for names"));
    Ok(outcome(failed))
}

/// The list of names beside an array.
fn list_of(out: &Path) -> Result<PathBuf, WithoutClassError> {
    let is_npy = out.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("npy"));
    if is_npy { Ok(out.with_extension("txt")) } else { Err(WithoutClassError::NotNpy(out.into())) }
}

fn write(out: &Path, list: &Path, names: &[String], values: &[f32]) -> Result<(), CliError> {
    if let Some(folder) = out.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        let refused = |source| WithoutClassError::Folder { folder: folder.into(), source };
        std::fs::create_dir_all(folder).map_err(refused)?;
    }
    let (rows, columns) = (names.len() as u32, (values.len() / names.len()) as u32);
    write_npy(out, &Map::new(values, rows, columns)?)?;
    Ok(write_atomically(list, |file| names.iter().try_for_each(|name| writeln!(file, "{name}")))?)
}
