//! `agf-run predict`: photos in, classes with probabilities out.

use super::args::PredictArguments;
use super::decode::{Decoder, Picture};
use super::former::Former;
use super::hints::Hinted;
use super::lasting::{Device, Lasting};
use super::output;
use super::pipeline::{self, Batches, Delivery};
use super::report::{Failure, PREDICTIONS_SCHEMA, Prediction, Predictions};
use super::terminal::{Terminal, escaped};
use super::{CliError, Outcome, inputs, ranking, setup};
use agf::Explainer;
use agf::methods::Method;
use agf::models::Labels;

/// Classes of each photo where no number is asked for.
const USUAL_TOP: u32 = 5;

/// Runs the command.
pub fn run(arguments: &PredictArguments) -> Result<Outcome, CliError> {
    let model = arguments.network.apply(arguments.model.open()?)?;
    let top = match arguments.top {
        Some(top) => top.get(),
        None => USUAL_TOP.min(model.classes()),
    };
    setup::check_count("--top ", top, &model)?;
    let found = inputs::find(&arguments.input.inputs, None, &Former::default()).usable()?;
    let mut device = Device::open(&arguments.device)?;
    let gpu = device.gpu().clone();
    let mut explainer = Explainer::new(&gpu, &model, Method::default());
    explainer.limit_memory(arguments.max_memory.map(|size| size.0));
    let mut session = Session {
        explainer: device.lasting(explainer),
        labels: model.labels(),
        top: top as usize,
        terminal: Terminal::with_progress(found.picture_count(), 1),
        inputs: arguments.json.then(Vec::new),
        failed: Vec::new(),
    };
    session.terminal.say(setup::introduction(&model, &gpu));
    if let Some(note) = found.note() {
        session.terminal.say(note);
    }
    for failure in found.failures {
        session.fail(failure);
    }
    let decoder = Decoder { spec: model.input_spec(), framing: arguments.input.framing() };
    for delivery in Batches::start(found.sources, decoder, arguments.input.batch.get() as usize)? {
        match delivery {
            Delivery::Batch(pictures) => session.predict(pictures)?,
            Delivery::Failed(failure) => session.fail_next(failure),
        }
    }
    let Session { mut terminal, inputs, failed, .. } = session;
    terminal.finish();
    let outcome = if failed.is_empty() { Outcome::Fine } else { Outcome::Failed };
    if let Some(inputs) = inputs {
        let (model, adapter) = ((&model).into(), gpu.summary().into());
        let version = env!("CARGO_PKG_VERSION");
        terminal.data(output::to_json(&Predictions {
            schema: PREDICTIONS_SCHEMA,
            version,
            model,
            adapter,
            inputs,
            failed,
        })?)?;
    }
    Ok(outcome)
}

struct Session<'a> {
    labels: &'a Labels,
    explainer: Lasting<'a, Explainer>,
    top: usize,
    terminal: Terminal,
    /// Kept for the document, where one is asked for.
    inputs: Option<Vec<Prediction>>,
    failed: Vec<Failure>,
}

impl Session<'_> {
    fn predict(&mut self, mut pictures: Vec<Picture>) -> Result<(), CliError> {
        let batch = pipeline::batch_of(&mut pictures);
        match self.explainer.run(async |explainer| explainer.predict(&batch).await) {
            Ok((logits, _)) => {
                for (picture, logits) in pictures.iter().zip(logits) {
                    self.record(picture, &logits)?;
                }
            }
            Err(error) => {
                for picture in &pictures {
                    self.fail_next(picture.failure(error.told()));
                }
            }
        }
        Ok(())
    }

    fn record(&mut self, picture: &Picture, logits: &[f32]) -> Result<(), CliError> {
        let top = ranking::best(&ranking::probabilities(logits), self.top, self.labels);
        if let Some(doubt) = picture.doubt() {
            self.terminal.warn(doubt);
        }
        let (input, index) = (picture.input.clone(), picture.index);
        match &mut self.inputs {
            Some(inputs) => inputs.push(Prediction { input, index, network_input: picture.network_input(), top }),
            None => {
                for ranked in top {
                    let (label, name) = (escaped(&picture.label()), ranked.name);
                    self.terminal.data(format_args!("{label}\t{}\t{name}\t{:.6}", ranked.class, ranked.probability))?;
                }
            }
        }
        self.terminal.advance(1);
        Ok(())
    }

    /// Reports an input that never was part of the progress.
    fn fail(&mut self, failure: Failure) {
        self.terminal.error(&failure.error);
        self.failed.push(failure);
    }

    /// Reports the next input as failed.
    fn fail_next(&mut self, failure: Failure) {
        self.terminal.advance(1);
        self.fail(failure);
    }
}
