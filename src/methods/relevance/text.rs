//! Rule files: TOML text to rules and back.

use super::{Kind, Rule, RuleList, Selector, Start, Weighted};
use crate::graph::{Constant, Role};
use crate::methods::agf::Ablations;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::Range;
use toml::Spanned;

/// What is wrong with a rule file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}, line {line}: {why}")]
pub struct RulesError {
    /// The file, or what the text was called.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// What is wrong, and what to do.
    pub why: String,
}

/// A file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct File<R> {
    #[serde(default)]
    start: Start,
    #[serde(default)]
    normalize: bool,
    #[serde(default = "Vec::new", rename = "rule")]
    rules: Vec<R>,
}

/// One `[[rule]]`: what it is for, what to do, and the numbers that some rules need.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
struct Entry {
    op: Option<Kind>,
    role: Option<Role>,
    kernel: Option<u32>,
    name: Option<String>,
    depth: Option<[i32; 2]>,
    apply: Option<Name>,
    alpha: Option<f64>,
    epsilon: Option<f64>,
    gamma: Option<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    without: Vec<Term>,
    #[serde(skip_serializing_if = "is_false")]
    gradcam: bool,
}

fn is_false(value: &bool) -> bool {
    !value
}

/// Names of rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Name {
    Pass,
    Fold,
    Ratio,
    Magnitude,
    Absolute,
    AlphaBeta,
    ZPlus,
    Epsilon,
    Gamma,
    Flat,
    WSquare,
    Box,
    Rap,
    Full,
}

/// Terms that the rule `full` can do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Term {
    Fx,
    M,
    Reg,
    Fdx,
    A,
}

impl RuleList {
    /// Reads the text of a rule file; `file` stands in messages.
    ///
    /// # Errors
    /// [`RulesError`] with the line: text that is not TOML, unknown keys and names, numbers out of range, a rule for an
    /// operation that it is not defined for, and a file without rules.
    pub fn parse(file: &str, text: &str) -> Result<Self, RulesError> {
        let error = |at: usize, why: String| {
            let line = 1 + text.bytes().take(at).filter(|&byte| byte == b'\n').count();
            RulesError { file: file.into(), line, why }
        };
        let parsed: File<Spanned<Entry>> = toml::from_str(text).map_err(|fault| {
            error(fault.span().map_or(0, |span: Range<usize>| span.start), fault.message().trim().into())
        })?;
        if parsed.rules.is_empty() {
            return Err(error(0, "there is no [[rule]]; write one for every kind of layer".into()));
        }
        let mut rules = Vec::new();
        for entry in &parsed.rules {
            let start = entry.span().start;
            rules.push(entry.get_ref().rule().map_err(|why| error(start, why))?);
        }
        Ok(Self { name: Self::USER, start: parsed.start, normalize: parsed.normalize, rules })
    }
}

impl Entry {
    fn rule(&self) -> Result<(Selector, Rule), String> {
        let name =
            self.apply.ok_or("the rule has no 'apply'; write which rule to apply, such as apply = \"epsilon\"")?;
        let mut numbers = [("alpha", self.alpha), ("epsilon", self.epsilon), ("gamma", self.gamma)];
        let mut number = |key: &str, lowest: f64, inclusive: bool| {
            let entry = numbers.iter_mut().find(|(known, _)| *known == key);
            let Some(value) = entry.and_then(|(_, value)| value.take()) else {
                return Err(format!("the rule needs '{key}'; write {key} = NUMBER"));
            };
            let constant = value as f32;
            let is_high = if inclusive { value >= lowest } else { constant > lowest as f32 };
            if !(is_high && constant.is_finite()) {
                let above = if inclusive { "at least" } else { "above" };
                return Err(format!("{key} is {value}; give a finite number {above} {lowest}"));
            }
            Ok(Constant::new(constant))
        };
        let rule: Rule = match name {
            Name::Pass => Rule::Pass,
            Name::Fold => Rule::Fold,
            Name::Ratio => Rule::Ratio,
            Name::Magnitude => Rule::Magnitude,
            Name::Absolute => Weighted::Absolute.into(),
            Name::AlphaBeta => Weighted::AlphaBeta { alpha: number("alpha", 1.0, true)? }.into(),
            Name::ZPlus => Weighted::ZPlus.into(),
            Name::Epsilon => Weighted::Epsilon { epsilon: number("epsilon", 0.0, false)? }.into(),
            Name::Gamma => Weighted::Gamma { gamma: number("gamma", 0.0, true)? }.into(),
            Name::Flat => Weighted::Flat.into(),
            Name::WSquare => Weighted::WSquare.into(),
            Name::Box => Weighted::Box.into(),
            Name::Rap => Weighted::Rap.into(),
            Name::Full => Weighted::Full(self.ablations()).into(),
        };
        if let Some((key, _)) = numbers.iter().find(|(_, value)| value.is_some()) {
            return Err(format!("this rule has no '{key}'; leave it out"));
        }
        if !matches!(rule, Rule::Weighted(Weighted::Full(_))) && (self.gradcam || !self.without.is_empty()) {
            return Err("'without' and 'gradcam' belong to the rule full; leave them out".into());
        }
        Ok((self.selector(&rule)?, rule))
    }

    fn selector(&self, rule: &Rule) -> Result<Selector, String> {
        let kinds = rule.kinds();
        let names: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
        if let Some(op) = self.op.filter(|op| !kinds.contains(op)) {
            return Err(format!("this rule is not for {}; it is for {}", op.name(), names.join(", ")));
        }
        let of_convolutions = self.role.is_some() || self.kernel.is_some();
        if of_convolutions && (!kinds.contains(&Kind::Convolution) || self.op.is_some_and(|op| op != Kind::Convolution))
        {
            return Err(
                "only convolutions have a role and a kernel; leave them out or write a rule for convolutions".into()
            );
        }
        if let Some([first, last]) = self.depth
            && (first == 0 || last == 0 || ((first < 0) == (last < 0) && first > last))
        {
            return Err(format!(
                "no layer is at depths {first} to {last}; write depth = [FIRST, LAST] from 1 or, from the end, -1"
            ));
        }
        let Entry { op, role, kernel, name, depth, .. } = self;
        Ok(Selector { op: *op, role: *role, kernel: *kernel, name: name.clone(), depth: *depth })
    }

    fn ablations(&self) -> Ablations {
        let without = |term| self.without.contains(&term);
        Ablations {
            no_fx: without(Term::Fx),
            no_m: without(Term::M),
            no_reg: without(Term::Reg),
            no_fdx: without(Term::Fdx),
            no_a: without(Term::A),
            gradcam: self.gradcam,
        }
    }

    fn new(selector: &Selector, rule: &Rule) -> Self {
        let Selector { op, role, kernel, name, depth } = selector.clone();
        let mut entry = Entry { op, role, kernel, name, depth, ..Entry::default() };
        let apply = match *rule {
            Rule::Pass => Name::Pass,
            Rule::Fold => Name::Fold,
            Rule::Ratio => Name::Ratio,
            Rule::Magnitude => Name::Magnitude,
            Rule::Weighted(rule) => entry.set(rule),
        };
        Self { apply: Some(apply), ..entry }
    }

    /// Sets the options of a rule, whose name it returns.
    fn set(&mut self, rule: Weighted) -> Name {
        // Shortest decimals that give the same f32.
        let decimal = |constant: Constant| constant.value().to_string().parse().ok();
        match rule {
            Weighted::Absolute => Name::Absolute,
            Weighted::AlphaBeta { alpha } => {
                self.alpha = decimal(alpha);
                Name::AlphaBeta
            }
            Weighted::ZPlus => Name::ZPlus,
            Weighted::Epsilon { epsilon } => {
                self.epsilon = decimal(epsilon);
                Name::Epsilon
            }
            Weighted::Gamma { gamma } => {
                self.gamma = decimal(gamma);
                Name::Gamma
            }
            Weighted::Flat => Name::Flat,
            Weighted::WSquare => Name::WSquare,
            Weighted::Box => Name::Box,
            Weighted::Rap => Name::Rap,
            Weighted::Full(ablations) => {
                self.set_ablations(ablations);
                Name::Full
            }
        }
    }

    fn set_ablations(&mut self, ablations: Ablations) {
        let Ablations { no_fx, no_m, no_reg, no_fdx, no_a, gradcam } = ablations;
        let terms = [(no_fx, Term::Fx), (no_m, Term::M), (no_reg, Term::Reg), (no_fdx, Term::Fdx), (no_a, Term::A)];
        self.without = terms.into_iter().filter_map(|(left_out, term)| left_out.then_some(term)).collect();
        self.gradcam = gradcam;
    }
}

impl fmt::Display for RuleList {
    /// As a rule file, which [`RuleList::parse`] reads back.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rules = self.rules.iter().map(|(selector, rule)| Entry::new(selector, rule)).collect();
        let file = File { start: self.start, normalize: self.normalize, rules };
        f.write_str(&toml::to_string(&file).map_err(|_| fmt::Error)?)
    }
}
