//! Durations and sizes, as Kubernetes writes them.

use std::time::Duration;

/// Reads `1h30m`, `250ms`; `None` for anything else. A unit may stand once, larger before smaller.
pub fn parse_duration(text: &str) -> Option<Duration> {
    const UNITS: [(&str, u64); 5] =
        [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];
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
}
