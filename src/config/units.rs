//! Durations and sizes, as Kubernetes writes them.

use std::fmt;
use std::time::Duration;

/// Units and their milliseconds, the largest first.
const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

/// Reads `1h30m`, `250ms`; `None` for anything else. A unit may stand once, larger before smaller.
pub fn parse_duration(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let (mut rest, mut total, mut next_unit) = (text, 0u64, 0);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, tail) = rest.split_at(digits);
        let letters = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        let index = UNITS.iter().position(|(name, _)| *name == unit).filter(|i| *i >= next_unit)?;
        let millis = UNITS.get(index)?.1;
        total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(millis)?)?;
        next_unit = index + 1;
        rest = tail;
    }
    // A century is enough, and keeps later sums of times in range.
    (!text.is_empty() && total <= 100 * 365 * 86_400_000).then(|| Duration::from_millis(total))
}

pub(super) fn parse_bytes(text: &str) -> Option<usize> {
    let (number, unit) = match text.strip_suffix("Ki") {
        Some(number) => (number, 1024),
        None => text.strip_suffix("Mi").map_or((text, 1), |number| (number, 1024 * 1024)),
    };
    number.parse::<usize>().ok()?.checked_mul(unit)
}

/// A duration as [`parse_duration`] reads it, in one unit.
pub(crate) struct Shown(pub(crate) Duration);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = self.0.as_millis();
        // No days: 24h, as it is written elsewhere.
        let fits = |(unit, millis): &(&str, u64)| *unit != "d" && whole.is_multiple_of(u128::from(*millis));
        match UNITS.iter().find(|unit| whole > 0 && fits(unit)) {
            Some((unit, millis)) => write!(f, "{}{unit}", whole / u128::from(*millis)),
            None => f.write_str("0"),
        }
    }
}

/// A number of bytes as [`parse_bytes`] reads it.
pub(crate) struct Bytes(pub(crate) usize);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (unit, size) in [("Mi", 1024 * 1024), ("Ki", 1024)] {
            if self.0 > 0 && self.0.is_multiple_of(size) {
                return write!(f, "{}{unit}", self.0 / size);
            }
        }
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_kubernetes_like() {
        for (text, millis) in
            [("10s", 10_000), ("1h30m", 5_400_000), ("250ms", 250), ("0", 0), ("2d", 172_800_000)]
        {
            assert_eq!(parse_duration(text), Some(Duration::from_millis(millis)), "{text}");
        }
        for bad in ["", "10", "s", "10 s", "5m1h", "1m1m", "-1s", "1.5h", "99999999999999999999s", "1000000d"]
        {
            assert_eq!(parse_duration(bad), None, "{bad}");
        }
    }

    #[test]
    fn sizes_are_whole_numbers() {
        assert_eq!(parse_bytes("1Mi"), Some(1_048_576));
        assert_eq!(parse_bytes("256Ki"), Some(262_144));
        assert_eq!(parse_bytes("1.5Mi"), None);
    }

    #[test]
    fn what_is_shown_can_be_read_again() {
        for text in ["0", "250ms", "1500ms", "10s", "75s", "1m", "90m", "24h"] {
            assert_eq!(Shown(parse_duration(text).unwrap()).to_string(), text);
        }
        for text in ["1000", "1Ki", "1536Ki", "16Mi"] {
            assert_eq!(Bytes(parse_bytes(text).unwrap()).to_string(), text);
        }
    }
}
