//! `agf-run plan`: the steps that a model runs, with their cost.

use super::args::PlanArguments;
use super::terminal::Terminal;
use super::{CliError, Outcome, setup, values};
use agf::Explainer;
use agf::methods::Method;
use agf::session::SessionShape;

/// Runs the command.
pub fn run(arguments: &PlanArguments) -> Result<Outcome, CliError> {
    let model = arguments.model.open_or_make_up()?;
    setup::check_count("--classes ", arguments.classes.get(), &model)?;
    setup::check_slots(arguments.classes.get() as usize)?;
    let gpu = arguments.device.open()?;
    let mut explainer = Explainer::new(&gpu, &model, method(arguments)?);
    explainer.limit_memory(arguments.max_memory.map(|size| size.0));
    let spec = model.input_spec();
    let (height, width) = arguments.size.map_or((spec.height, spec.width), |size| (size.height, size.width));
    let slots = if arguments.forward { 0 } else { arguments.classes.get() };
    let shape = SessionShape { count: arguments.batch.get(), height, width, slots };
    let text = explainer.plan_text(shape)?;
    Terminal::plain().data(text.trim_end())?;
    Ok(Outcome::Fine)
}

fn method(arguments: &PlanArguments) -> Result<Method, CliError> {
    match arguments.method.single() {
        Method::Agf(_) if arguments.rules.rules.is_none() => {
            arguments.rules.or(values::ablations(&arguments.ablate).into())
        }
        method if arguments.ablate.is_empty() => arguments.rules.or(method),
        _ => Err(CliError::OptionWithoutMethod { flag: "--ablate", method: Method::default().name() }),
    }
}
