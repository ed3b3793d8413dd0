//! Classes, as they are asked for.

use std::num::NonZeroU32;
use std::str::FromStr;

use super::ValueError;

/// Which classes of a photo are explained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClassSpec {
    /// The best classes of the network's own answer, this many.
    Top(NonZeroU32),
    /// The class with this number.
    Id(u32),
    /// The class with this name.
    Name(String),
}

impl FromStr for ClassSpec {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(ValueError::NoClass);
        }
        let lower = text.to_lowercase();
        if lower == "top" {
            return Ok(Self::Top(NonZeroU32::MIN));
        }
        if let Some(count) = lower.strip_prefix("top:") {
            return count.parse().map(Self::Top).map_err(|_| ValueError::Top);
        }
        if text.parse::<i128>().is_ok() {
            return text.parse().map(Self::Id).map_err(|_| ValueError::ClassNumber);
        }
        Ok(Self::Name(text.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes() {
        let top = |count| NonZeroU32::new(count).map(ClassSpec::Top).ok_or(ValueError::Top);
        assert_eq!("top".parse(), top(1));
        assert_eq!(" top:3 ".parse(), top(3));
        assert_eq!(("TOP".parse(), "Top:3".parse()), (top(1), top(3)));
        assert_eq!("0".parse(), Ok(ClassSpec::Id(0)));
        assert_eq!("5000".parse(), Ok(ClassSpec::Id(5000)));
        assert_eq!("Giant panda".parse(), Ok(ClassSpec::Name("Giant panda".into())));
        assert_eq!("topi".parse(), Ok(ClassSpec::Name("topi".into())));
        for (text, error) in [
            ("", ValueError::NoClass),
            ("top:", ValueError::Top),
            ("top:0", ValueError::Top),
            ("top:-1", ValueError::Top),
            ("-1", ValueError::ClassNumber),
            ("99999999999", ValueError::ClassNumber),
        ] {
            assert_eq!(text.parse::<ClassSpec>(), Err(error), "{text}");
        }
    }
}
