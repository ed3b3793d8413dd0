//! The command line of `agf-run`: typed arguments, one module per command, and what the commands share.
//!
//! Photos flow through `inputs` (which files), `decode` and `pipeline` (pictures in batches, decoded ahead), the library's
//! [`Explainer`](crate::explainer::Explainer), and `record`, `output` and `report` (files). This is the only part of the crate that
//! prints, blocks on futures and knows exit codes.

pub mod args;
pub mod bench;
pub mod devices;
pub mod eval;
pub mod explain;
pub mod plan;
pub mod predict;
pub mod rules;
pub mod tune;
pub mod verify;

mod answers;
mod decode;
mod error;
mod inputs;
mod interrupt;
mod methods;
mod output;
mod pipeline;
mod ranking;
mod record;
mod report;
mod setup;
mod terminal;
mod values;

pub use error::CliError;

use std::process::ExitCode;

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
