//! The program `agf-run`: typed arguments, one module per command, and what the commands share.
//!
//! Photos flow through `inputs` (which files), `decode` and `pipeline` (pictures in batches, decoded ahead), the
//! library's [`Explainer`](agf::Explainer), and `record`, `output` and `report` (files).

mod answers;
mod args;
mod bench;
mod decode;
mod devices;
mod downloads;
mod error;
mod eval;
mod explain;
mod former;
mod hints;
mod inputs;
mod interrupt;
mod lasting;
mod lock;
mod methods;
mod model;
mod names;
mod network;
mod output;
mod page;
mod pipeline;
mod plan;
mod predict;
mod ranking;
mod record;
mod report;
mod request;
mod rules;
mod setup;
mod terminal;
mod tune;
mod values;
mod verify;
mod without;

use std::process::ExitCode;

use args::{Arguments, Command};
use clap::Parser;
use error::CliError;

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Predict(arguments) => predict::run(&arguments),
        Command::Neighbours(arguments) => without::neighbours::run(&arguments),
        Command::Embed(arguments) => without::embed::run(&arguments),
        Command::Devices(arguments) => devices::run(&arguments),
        Command::Model(arguments) => model::run(&arguments),
        Command::Plan(arguments) => plan::run(&arguments),
        Command::Rules(arguments) => rules::run(&arguments),
        Command::Verify(arguments) => verify::run(&arguments),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Tune(arguments) => tune::run(&arguments),
        Command::Eval(arguments) => eval::run(&arguments),
    };
    exit_code(result)
}

/// How a command that ran to its end went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All is done: exit code 0.
    Fine,
    /// A check did not hold: exit code 1.
    CheckFailed,
    /// Some inputs failed or the end was not as asked for, which was reported; the others are done: exit code 2.
    Failed,
}

/// Turns a command's result into the exit code of the process; an error is reported first.
pub fn exit_code(result: Result<Outcome, CliError>) -> ExitCode {
    match result {
        Ok(Outcome::Fine) => ExitCode::SUCCESS,
        Ok(Outcome::CheckFailed) => ExitCode::from(1),
        Ok(Outcome::Failed) => ExitCode::from(2),
        Err(error) => {
            terminal::report_error(&error);
            ExitCode::from(2)
        }
    }
}
