//! Which methods explain, with which options: `--method` and the flags that belong to single methods.

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use serde_json::{Map, Value, json};

use super::CliError;
use super::rules::RuleArguments;
use super::values::{self, Ablation, ListItem};
use agf::methods::{IntegratedGradients, Method, SmoothGrad};

/// One word behind `--method`.
#[derive(Clone, Debug, PartialEq)]
pub enum MethodChoice {
    /// Every method.
    All,
    /// One method with default options.
    One(Method),
}

/// Reads the name of a method, or `all`.
fn methods_parser() -> impl TypedValueParser<Value = MethodChoice> {
    let all = PossibleValue::new("all").help("All of them, side by side");
    PossibleValuesParser::new(possible(Method::ALL).chain([all]))
        .map(|name| name.parse().map_or(MethodChoice::All, MethodChoice::One))
}

/// Reads the name of one of these methods.
fn method_parser(methods: impl IntoIterator<Item = &'static Method>) -> impl TypedValueParser<Value = Method> {
    PossibleValuesParser::new(possible(methods)).try_map(|name| name.parse())
}

/// Reads the name of a method that has rules.
pub(super) fn relevance_parser() -> impl TypedValueParser<Value = Method> {
    method_parser(Method::ALL.iter().filter(|method| method.rules().is_ok_and(|rules| rules.is_some())))
}

fn possible(methods: impl IntoIterator<Item = &'static Method>) -> impl Iterator<Item = PossibleValue> {
    methods.into_iter().map(|method| PossibleValue::new(method.name()).help(method.summary()))
}

/// The one method of `agf-run plan` and `verify`.
#[derive(Debug, Args)]
#[command(next_help_heading = "Method")]
pub struct OneMethodArguments {
    /// Explanation method; one variation of the picture where it makes several
    #[arg(long, value_name = "NAME", default_value = "agf", conflicts_with = "rules",
        value_parser = method_parser(Method::ALL))]
    pub method: Method,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub rules: RuleArguments,
    /// agf: parts of the method to change, separated by commas
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = ListItem::<Ablation>::default())]
    pub ablate: Vec<Ablation>,
}

impl OneMethodArguments {
    /// The method with its options.
    ///
    /// # Errors
    /// [`CliError::OptionWithoutMethod`] for parts of AGF where another method is chosen, and those of the rules.
    pub(super) fn resolve(&self) -> Result<Method, CliError> {
        let method = match &self.method {
            Method::Agf(_) if self.rules.rules.is_none() => values::ablations(&self.ablate).into(),
            method if self.ablate.is_empty() => method.clone(),
            _ => return Err(CliError::OptionWithoutMethod { flag: "--ablate", method: Method::default().name() }),
        };
        self.rules.or(method)
    }
}

/// The methods of `agf-run explain`.
#[derive(Debug, Args)]
#[command(next_help_heading = "Method")]
pub struct MethodArguments {
    /// Explanation method; may be given several times, or all for a panel of all methods side by side [default: agf,
    /// or the rules]
    #[arg(long = "method", value_name = "NAME", value_parser = methods_parser())]
    pub methods: Vec<MethodChoice>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub rules: RuleArguments,
    /// agf: parts of the method to change, separated by commas
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = ListItem::<Ablation>::default())]
    pub ablate: Vec<Ablation>,
    /// smoothgrad: number of noisy copies [default: 50]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1 << 20))]
    pub samples: Option<u32>,
    /// smoothgrad: standard deviation of the noise, as a share of the range of the input's values [default: 0.15]
    #[arg(long, value_name = "SHARE", value_parser = noise_share)]
    pub noise: Option<f32>,
    /// smoothgrad and --audit: what random numbers depend on [default: 0]
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,
    /// integrated-gradients: number of steps [default: 50]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1 << 20))]
    pub steps: Option<u32>,
    /// integrated-gradients: value of the whole baseline in the network's input, where 0 is the mean colour [default:
    /// 0]
    #[arg(long, value_name = "VALUE", allow_negative_numbers = true, value_parser = finite)]
    pub baseline: Option<f32>,
}

impl MethodArguments {
    /// The methods with their options, each once. `uses_seed`: whether the command itself has a use for the seed.
    ///
    /// # Errors
    /// [`CliError::OptionWithoutMethod`] for an option of a method that is not among them.
    pub(super) fn resolve(&self, uses_seed: bool) -> Result<Vec<Method>, CliError> {
        let mut methods: Vec<Method> = Vec::new();
        let own = self.rules.method()?;
        let default = [MethodChoice::One(Method::default())];
        let choices = if self.methods.is_empty() && own.is_none() { &default[..] } else { &self.methods };
        for choice in choices {
            let chosen = match choice {
                MethodChoice::All => Method::ALL,
                MethodChoice::One(method) => std::slice::from_ref(method),
            };
            for method in chosen {
                if methods.iter().all(|known| known.name() != method.name()) {
                    methods.push(method.clone());
                }
            }
        }
        methods.extend(own);
        self.check_options(&methods, uses_seed)?;
        methods.iter_mut().for_each(|method| self.set_options(method));
        self.rules.add.apply(&mut methods)?;
        Ok(methods)
    }

    fn check_options(&self, methods: &[Method], uses_seed: bool) -> Result<(), CliError> {
        let smooth = Method::SmoothGrad(SmoothGrad::DEFAULT);
        let path = Method::IntegratedGradients(IntegratedGradients::DEFAULT);
        let given = [
            ("--ablate", !self.ablate.is_empty(), &Method::default()),
            ("--samples", self.samples.is_some(), &smooth),
            ("--noise", self.noise.is_some(), &smooth),
            ("--seed", self.seed.is_some() && !uses_seed, &smooth),
            ("--steps", self.steps.is_some(), &path),
            ("--baseline", self.baseline.is_some(), &path),
        ];
        for (flag, is_given, of) in given {
            if is_given && methods.iter().all(|method| method.name() != of.name()) {
                return Err(CliError::OptionWithoutMethod { flag, method: of.name() });
            }
        }
        Ok(())
    }

    fn set_options(&self, method: &mut Method) {
        match method {
            Method::Agf(ablations) => *ablations = values::ablations(&self.ablate),
            Method::SmoothGrad(options) => {
                options.samples = self.samples.unwrap_or(options.samples);
                options.noise = self.noise.unwrap_or(options.noise);
                options.seed = self.seed();
            }
            Method::IntegratedGradients(options) => {
                options.steps = self.steps.unwrap_or(options.steps);
                options.baseline = self.baseline.unwrap_or(options.baseline);
            }
            _ => {}
        }
    }

    /// The seed of everything random.
    pub(super) fn seed(&self) -> u64 {
        self.seed.unwrap_or(SmoothGrad::DEFAULT.seed)
    }

    /// Whether the files and lines look as if nothing but AGF existed.
    pub(super) fn is_plain(&self) -> bool {
        self.rules.rules.is_none()
            && (self.methods.is_empty() || self.methods == [MethodChoice::One(Method::default())])
    }
}

/// A method's options for the report, by the names of their flags.
pub(super) fn options(method: &Method, ablate: &[Ablation]) -> Map<String, Value> {
    let options = match method {
        Method::Agf(_) => json!({"ablations": ablate.iter().map(|ablation| ablation.name()).collect::<Vec<_>>()}),
        Method::SmoothGrad(SmoothGrad { samples, noise, seed }) => {
            json!({"samples": samples, "noise": noise, "seed": seed})
        }
        Method::IntegratedGradients(IntegratedGradients { steps, baseline }) => {
            json!({"steps": steps, "baseline": baseline})
        }
        Method::Rules(list) => json!({"rules": list.to_string()}),
        _ => json!({}),
    };
    options.as_object().cloned().unwrap_or_default()
}

fn noise_share(text: &str) -> Result<f32, String> {
    let share = finite(text)?;
    if share >= 0.0 { Ok(share) } else { Err("give a share from 0, such as 0.15".into()) }
}

fn finite(text: &str) -> Result<f32, String> {
    let number = text.trim().parse().ok().filter(|number: &f32| number.is_finite());
    number.ok_or_else(|| "give a number, such as 0.15".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use agf::methods::agf::Ablations;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        methods: MethodArguments,
    }

    fn resolve_for(line: &str, uses_seed: bool) -> Result<Vec<Method>, String> {
        let line = Line::try_parse_from(["x"].into_iter().chain(line.split_whitespace()));
        line.map_err(|error| error.to_string())?.methods.resolve(uses_seed).map_err(|error| error.to_string())
    }

    fn resolve(line: &str) -> Result<Vec<Method>, String> {
        resolve_for(line, false)
    }

    #[test]
    fn methods_are_chosen_once_and_get_their_options() {
        assert_eq!(resolve(""), Ok(vec![Method::default()]));
        assert_eq!(resolve("--method all").unwrap(), Method::ALL);
        assert_eq!(resolve("--method fullgrad --method all").unwrap().len(), Method::ALL.len());
        let smooth = Method::SmoothGrad(SmoothGrad { samples: 3, noise: 0.5, seed: 9 });
        assert_eq!(resolve("--method smoothgrad --samples 3 --noise 0.5 --seed 9"), Ok(vec![smooth]));
        let path = Method::IntegratedGradients(IntegratedGradients { steps: 4, baseline: -1.5 });
        assert_eq!(resolve("--method integrated-gradients --steps 4 --baseline -1.5"), Ok(vec![path]));
        let ablated = Method::Agf(Ablations { no_m: true, ..Ablations::NONE });
        assert_eq!(resolve("--method gradient --method agf --ablate no_m"), Ok(vec![Method::Gradient, ablated]));
    }

    #[derive(Parser)]
    struct OneLine {
        #[command(flatten)]
        method: OneMethodArguments,
    }

    #[test]
    fn one_method_gets_its_options() {
        let resolve = |line: &str| {
            let line = OneLine::try_parse_from(["x"].into_iter().chain(line.split_whitespace()));
            line.map_err(|error| error.to_string())?.method.resolve().map_err(|error| error.to_string())
        };
        assert_eq!(resolve(""), Ok(Method::default()));
        assert_eq!(resolve("--method gradient"), Ok(Method::Gradient));
        let ablated = Method::Agf(Ablations { no_m: true, ..Ablations::NONE });
        assert_eq!(resolve("--ablate no_m"), Ok(ablated));
        let error = resolve("--ablate no_m --method lrp").unwrap_err();
        assert!(error.contains("--ablate") && error.contains("agf"), "{error}");
        assert!(resolve("--method all").is_err() && resolve("--method agf --rules x.toml").is_err());
    }

    #[test]
    fn misspelt_names_and_idle_options_are_refused() {
        let error = resolve("--method smoothgrd").unwrap_err();
        assert!(error.contains("smoothgrad") && error.contains("similar"), "{error}");
        let error = resolve("--steps 3").unwrap_err();
        assert!(error.contains("--steps") && error.contains("integrated-gradients"), "{error}");
        assert!(resolve("--method gradient --ablate no_m").is_err());
        assert!(resolve("--seed 3").is_err() && resolve_for("--seed 3", true).is_ok());
        for options in ["--samples 0", "--noise -1", "--noise nan", "--steps x", "--baseline inf"] {
            assert!(resolve(&format!("--method all {options}")).is_err(), "{options}");
        }
    }
}
