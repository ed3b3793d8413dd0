//! `agf-run rules`, which prints a method's rules, and the flags by which other commands take rules.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::args::RulesArguments;
use super::terminal::Terminal;
use super::{CliError, Outcome};
use agf::error::Error;
use agf::methods::Method;
use agf::methods::relevance::{AddRule, RuleList};

/// How relevance goes back through the sums of residual blocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum AddChoice {
    /// As a : b, as published
    #[default]
    Value,
    /// As |a| : |b|, which stays bounded where a + b is nearly 0
    Magnitude,
}

/// Rules of relevance methods.
#[derive(Debug, Default, Args)]
pub struct RuleArguments {
    /// Explain by the rules in a TOML file; `agf-run rules` prints those of a method to begin with
    #[arg(long, value_name = "FILE")]
    pub rules: Option<PathBuf>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub add: AddArguments,
}

/// The rule that alone can be changed without a file.
#[derive(Debug, Default, Args)]
pub struct AddArguments {
    /// Relevance methods: how the sum of a residual block's branches a and b shares relevance out
    #[arg(long, value_name = "RULE", value_enum, default_value_t)]
    pub add_rule: AddChoice,
}

impl RuleArguments {
    /// The method of the file.
    ///
    /// # Errors
    /// [`CliError::RulesFile`] where it cannot be read, [`CliError::Rules`] with the line where it is faulty.
    pub(super) fn method(&self) -> Result<Option<Method>, CliError> {
        let Some(path) = &self.rules else { return Ok(None) };
        let text =
            std::fs::read_to_string(path).map_err(|source| CliError::RulesFile { path: path.clone(), source })?;
        Ok(Some(Method::Rules(RuleList::parse(&path.display().to_string(), &text)?)))
    }

    /// The method of the file or, without one, `method`; with the rule for sums.
    ///
    /// # Errors
    /// As [`RuleArguments::method`] and [`AddArguments::apply`].
    pub(super) fn or(&self, method: Method) -> Result<Method, CliError> {
        let mut methods = [self.method()?.unwrap_or(method)];
        self.add.apply(&mut methods)?;
        let [method] = methods;
        Ok(method)
    }
}

impl AddArguments {
    /// Changes the rule for sums in all methods that have one.
    ///
    /// # Errors
    /// [`CliError::NoRules`] where none has.
    pub(super) fn apply(&self, methods: &mut [Method]) -> Result<(), CliError> {
        if self.add_rule == AddChoice::Value {
            return Ok(());
        }
        let mut changed = false;
        for method in methods {
            changed |= method.rules().map_err(Error::from)?.is_some();
            *method = method.clone().with_add_rule(AddRule::Magnitude).map_err(Error::from)?;
        }
        if changed { Ok(()) } else { Err(CliError::NoRules { what: "--add-rule".into() }) }
    }
}

/// Runs the command.
pub fn run(arguments: &RulesArguments) -> Result<Outcome, CliError> {
    let mut methods = [arguments.method.clone()];
    arguments.add.apply(&mut methods)?;
    let [method] = methods;
    let Some(list) = method.rules().map_err(Error::from)? else {
        return Err(CliError::NoRules { what: format!("--method {method}") });
    };
    let title = arguments.method.summary();
    Terminal::plain().data(format_args!("# {method}: {title}\n{}", list.to_string().trim_end()))?;
    Ok(Outcome::Fine)
}
