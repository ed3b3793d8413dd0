//! `agf-run plan`: the steps that a model runs, with their cost.

use super::args::PlanArguments;
use super::terminal::Terminal;
use super::{CliError, Outcome, setup};
use agf::Explainer;
use agf::session::SessionShape;

/// Runs the command.
pub fn run(arguments: &PlanArguments) -> Result<Outcome, CliError> {
    let model = arguments.model.open_or_make_up()?;
    setup::check_count("--classes ", arguments.classes.get(), &model)?;
    setup::check_slots(arguments.classes.get() as usize)?;
    let gpu = arguments.device.open()?;
    let mut explainer = Explainer::new(&gpu, &model, arguments.method.resolve()?);
    explainer.limit_memory(arguments.max_memory.map(|size| size.0));
    let spec = model.input_spec();
    let (height, width) = arguments.size.map_or((spec.height, spec.width), |size| (size.height, size.width));
    let slots = if arguments.forward { 0 } else { arguments.classes.get() };
    let shape = SessionShape { count: arguments.batch.get(), height, width, slots };
    let text = explainer.plan_text(shape)?;
    Terminal::plain().data(text.trim_end())?;
    Ok(Outcome::Fine)
}
