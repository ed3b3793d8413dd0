//! Amounts of memory.

use std::str::FromStr;

/// A number of bytes, as `--max-memory` takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemorySize(pub u64);

/// Not a number of bytes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("give a number of bytes from 1, such as 500000000, 500M, 1.5G or 2GiB")]
pub struct NotMemorySize;

impl FromStr for MemorySize {
    type Err = NotMemorySize;

    /// A number, with `k`, `M` or `G` for powers of 1000 and `Ki`, `Mi` or `Gi` for powers of 1024, with or without a
    /// `B` behind.
    fn from_str(text: &str) -> Result<Self, NotMemorySize> {
        let text = text.trim();
        let digits = text.find(|character: char| !character.is_ascii_digit() && character != '.').unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let unit = unit.trim().to_ascii_lowercase();
        let factor: u64 = match unit.strip_suffix('b').unwrap_or(&unit) {
            "" => 1,
            "k" => 1000,
            "m" => 1_000_000,
            "g" => 1_000_000_000,
            "ki" => 1 << 10,
            "mi" => 1 << 20,
            "gi" => 1 << 30,
            _ => return Err(NotMemorySize),
        };
        let bytes = number.parse::<f64>().map_err(|_| NotMemorySize)? * factor as f64;
        if (1.0..=u64::MAX as f64).contains(&bytes) { Ok(Self(bytes as u64)) } else { Err(NotMemorySize) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_sizes() {
        for (text, bytes) in [
            ("1", 1),
            ("500M", 500_000_000),
            ("1.5 GB", 1_500_000_000),
            ("2GiB", 2 << 30),
            ("64kib", 65_536),
            ("3k", 3000),
        ] {
            assert_eq!(text.parse(), Ok(MemorySize(bytes)), "{text}");
        }
        for text in ["", "0", "-1", "M", "1T", "1.2.3", "nan", "1e99G"] {
            assert_eq!(text.parse::<MemorySize>(), Err(NotMemorySize), "{text}");
        }
    }
}
