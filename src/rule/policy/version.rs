//! `{semver: ">=1.2, <2", prerelease: false}`: tags that are versions (semver.org, 2.0.0) in a range.

use std::cmp::Ordering;

use semver::{BuildMetadata, Comparator, Op, Prerelease, Version, VersionReq};

use crate::rule::shown::shorten;

/// A range of versions, written as Cargo writes it: comparators with commas between, all of which must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct VersionRange {
    pub(super) written: String,
    pub(super) prerelease: bool,
    requirement: VersionReq,
}

impl VersionRange {
    /// Reads a range; the error is a sentence with the way out. A range that no version is in is an error.
    pub(super) fn parse(text: &str, prerelease: bool) -> Result<Self, String> {
        let shown = shorten(text);
        if text.trim().is_empty() {
            return Err("is empty; \"*\" stands for every version".to_owned());
        }
        if text.contains("||") {
            return Err(format!("\"{shown}\": || is not understood; write one rule for each range"));
        }
        let requirement = VersionReq::parse(text).map_err(|error| {
            format!("\"{shown}\" is no range of versions ({error}); write one like \">=1.2, <2\" or \"~1.4\"")
        })?;
        let range = Self { written: text.to_owned(), prerelease, requirement };
        if range.smallest_candidates().iter().any(|version| range.contains(version)) {
            return Ok(range);
        }
        Err(format!("\"{shown}\" contains no version at all"))
    }

    /// What is legal but perhaps not meant.
    pub(super) fn doubt(&self) -> Option<String> {
        let bare =
            |part: &&str| part.starts_with(|c: char| c.is_ascii_digit()) && !part.contains(['*', 'x', 'X']);
        let bare = self.written.split(',').map(str::trim).find(bare)?;
        Some(format!(
            "\"{bare}\" means ^{bare}, every later version up to the next major one; write ^{bare} if that is \
             meant, ~{bare} or ={bare} for less"
        ))
    }

    /// Whether the version is in the range. Without `prerelease: true` a pre-release is in it only where the
    /// range itself names a pre-release of the same version, as with Cargo.
    pub(super) fn contains(&self, version: &Version) -> bool {
        self.requirement.matches(version) || self.prerelease && self.contains_prerelease(version)
    }

    /// Whether the version would be in the range with `prerelease: true`.
    pub(super) fn contains_prerelease(&self, version: &Version) -> bool {
        self.requirement.comparators.iter().all(|comparator| holds(comparator, version))
    }

    /// The least version of a range that contains any is one of these: a bound, or the next after it.
    fn smallest_candidates(&self) -> Vec<Version> {
        let mut candidates = vec![Version::new(0, 0, 0)];
        for c in &self.requirement.comparators {
            let (minor, patch) = (c.minor.unwrap_or(0), c.patch.unwrap_or(0));
            let bound = Version { pre: c.pre.clone(), ..Version::new(c.major, minor, patch) };
            // The pre-release that comes right after a version or pre-release: alpha < alpha.0.
            let next = if c.pre.is_empty() { "0".to_owned() } else { format!("{}.0", c.pre) };
            candidates.extend(Prerelease::new(&next).map(|pre| Version { pre, ..bound.clone() }));
            candidates.extend([
                Version::new(c.major, minor, patch),
                Version::new(c.major, minor, patch.saturating_add(1)),
                Version::new(c.major, minor.saturating_add(1), 0),
                Version::new(c.major.saturating_add(1), 0, 0),
                bound,
            ]);
        }
        let after: Vec<_> = candidates.iter().filter(|version| version.pre.is_empty()).cloned().collect();
        let least = Prerelease::new("0").unwrap_or(Prerelease::EMPTY);
        candidates.extend(after.into_iter().map(|version| Version { pre: least.clone(), ..version }));
        candidates
    }
}

/// Whether a comparator holds by precedence alone, so that `>=1.2` contains 1.3.0-rc.1. The pre-releases of
/// an upper bound are not below it in the sense that people mean: `<2` does not contain 2.0.0-rc.1.
fn holds(comparator: &Comparator, version: &Version) -> bool {
    if version.pre.is_empty() {
        return comparator.matches(version);
    }
    let release = Version::new(version.major, version.minor, version.patch);
    let Some((minor, patch)) = comparator.minor.zip(comparator.patch) else {
        return comparator.matches(&release);
    };
    let bound = Version { pre: comparator.pre.clone(), ..Version::new(comparator.major, minor, patch) };
    match comparator.op {
        Op::Exact => *version == bound,
        Op::Greater => *version > bound,
        Op::GreaterEq => *version >= bound,
        Op::Less if bound.pre.is_empty() => release < bound,
        Op::Less => *version < bound,
        Op::LessEq => *version <= bound,
        // Tilde and caret: from the bound up, in the releases that they cover.
        _ => *version >= bound && comparator.matches(&release),
    }
}

/// Reads a tag as a version: a leading `v` does not count, `1.2` is 1.2.0 and `1` is 1.0.0, with or without a
/// pre-release behind. `None` for anything else. A lone number of more than four digits is no version but a
/// date (`20260131`) or a commit (`1234567`), which would be higher than every real version.
pub(super) fn version(tag: &str) -> Option<Version> {
    let text = tag.strip_prefix('v').unwrap_or(tag);
    let (numbers, pre) = text.split_once('-').map_or((text, None), |(numbers, pre)| (numbers, Some(pre)));
    let mut parts = numbers.split('.');
    let major = number(parts.next()?)?;
    let (minor, patch) = (parts.next().map(number), parts.next().map(number));
    if parts.next().is_some() || minor.is_none() && numbers.len() > 4 {
        return None;
    }
    let pre = match pre {
        // An empty one is refused here: the crate would take "1.2.3-" for 1.2.3.
        Some(pre) => Prerelease::new(pre).ok().filter(|pre| !pre.is_empty())?,
        None => Prerelease::EMPTY,
    };
    let (minor, patch) = (minor.unwrap_or(Some(0))?, patch.unwrap_or(Some(0))?);
    Some(Version { major, minor, patch, pre, build: BuildMetadata::EMPTY })
}

/// Digits without a leading zero, up to 2^64 - 1.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    (digits && (text == "0" || !text.starts_with('0'))).then(|| text.parse().ok())?
}

/// Precedence, as semver.org defines it.
pub(super) fn compare(a: &Version, b: &Version) -> Ordering {
    a.cmp_precedence(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_as_versions() {
        for (tag, read) in [
            ("1.2.3", "1.2.3"),
            ("v1.2.3", "1.2.3"),
            ("1.2", "1.2.0"),
            ("v1", "1.0.0"),
            ("2026", "2026.0.0"),
            ("1.2.3-rc.1", "1.2.3-rc.1"),
            ("1.2-alpine", "1.2.0-alpine"),
            ("1-a-b", "1.0.0-a-b"),
            ("0.0.0", "0.0.0"),
            ("20260131.1.0", "20260131.1.0"),
            ("18446744073709551615.0.0", "18446744073709551615.0.0"),
        ] {
            assert_eq!(version(tag).unwrap().to_string(), read, "{tag}");
        }
        for tag in [
            "",
            "v",
            "latest",
            "vv1.2.3",
            "V1.2.3",
            "1.2.3.4",
            "01.2.3",
            "1.02",
            "1..2",
            ".1",
            "1.",
            "1.2.3-",
            "1.2.3-a..b",
            "1.2.3-01",
            "1.2.3+b",
            "1.2.3_b",
            "20260131",
            "1234567",
            "1234567-dirty",
            "1e5",
            "18446744073709551616.0.0",
            "+1.2.3",
            "1.2.3 ",
            "²",
        ] {
            assert_eq!(version(tag), None, "{tag}");
        }
    }

    #[test]
    fn ranges_contain_versions() {
        for (range, prerelease, yes, no) in [
            (
                ">=1.2, <2",
                false,
                &["1.2.0", "1.99.0"][..],
                &["1.1.9", "2.0.0", "1.3.0-rc.1", "2.0.0-rc.1"][..],
            ),
            (">=1.2, <2", true, &["1.2.0", "1.3.0-rc.1"], &["2.0.0-rc.1", "1.1.0-rc.1", "2.0.0"]),
            (">=1.2.0, <2.0.0", true, &["1.2.1-a"], &["1.2.0-rc.1", "2.0.0-rc.1"]),
            (">=1.2.0-b", true, &["1.2.0-c", "1.2.0", "3.0.0-a"], &["1.2.0-a"]),
            (">=1.2.0-b", false, &["1.2.0-c", "1.2.0"], &["1.2.0-a", "3.0.0-a"]),
            ("~1.2.3-b", true, &["1.2.3-c", "1.2.9-a"], &["1.2.3-a", "1.3.0-a"]),
            ("=1.2.3", true, &["1.2.3"], &["1.2.3-a"]),
            ("<=1.2.3", true, &["1.2.3-a", "1.2.3"], &["1.2.4-a"]),
            (">1.2.3-a, <1.2.3-c", true, &["1.2.3-b"], &["1.2.3"]),
            ("*", false, &["0.0.0"], &["1.0.0-a"]),
            ("*", true, &["1.0.0-a"], &[]),
            ("1.2.*", false, &["1.2.9"], &["1.3.0"]),
        ] {
            let read = VersionRange::parse(range, prerelease).unwrap();
            for version in yes {
                assert!(read.contains(&Version::parse(version).unwrap()), "{range} {prerelease} {version}");
            }
            for version in no {
                assert!(!read.contains(&Version::parse(version).unwrap()), "{range} {prerelease} {version}");
            }
        }
    }

    #[test]
    fn ranges_that_cannot_be_used_name_the_way_out() {
        for (range, told) in [
            ("", "is empty"),
            (" ", "is empty"),
            ("one", "is no range of versions"),
            (">=1.2 <2", "write one like \">=1.2, <2\""),
            ("^1 || ^2", "one rule for each range"),
            (">=2, <1", "contains no version"),
            (">1.2.3, <1.2.4", "contains no version"),
            ("<0.0.0", "contains no version"),
            (">=1.2.3-b, <1.2.3-a", "contains no version"),
            ("=1.2, =1.3", "contains no version"),
        ] {
            let error = VersionRange::parse(range, false).unwrap_err();
            assert!(error.contains(told), "{range}: {error}");
        }
        for range in [
            "<=0",
            ">1, <3",
            ">1.2",
            "<0.0.1",
            "=1.2.3",
            "^0.0.3",
            "~0",
            "<1.0.0-a",
            "<0.0.0-b",
            ">1.2.3, <1.2.4-b",
            ">1.2, <1.3.0-b",
            ">1.0.0-a, <1.0.0-c",
            ">=1, <=1",
        ] {
            assert!(VersionRange::parse(range, true).is_ok(), "{range}");
        }
        assert!(VersionRange::parse("1.2", false).unwrap().doubt().unwrap().contains("means ^1.2"));
        for clear in [">=1.2, <2", "1.2.*", "^1", "~1.2"] {
            assert_eq!(VersionRange::parse(clear, false).unwrap().doubt(), None, "{clear}");
        }
    }
}
