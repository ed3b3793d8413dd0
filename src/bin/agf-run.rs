//! The program: reads the command line, runs the command, and leaves with its exit code.

use std::process::ExitCode;

use agf::cli::args::{Arguments, Command};
use agf::cli::{bench, devices, eval, exit_code, explain, plan, predict, rules, tune, verify};
use clap::Parser;

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Predict(arguments) => predict::run(&arguments),
        Command::Devices(arguments) => devices::run(&arguments),
        Command::Plan(arguments) => plan::run(&arguments),
        Command::Rules(arguments) => rules::run(&arguments),
        Command::Verify(arguments) => verify::run(&arguments),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Tune(arguments) => tune::run(&arguments),
        Command::Eval(arguments) => eval::run(&arguments),
    };
    exit_code(result)
}
