//! Tag policies: which tags a rule wants, and which of two is newer.

mod pattern;
mod read;
mod version;

use std::cmp::Ordering;
use std::fmt;

use serde::{Deserialize, Serialize};

use self::pattern::TagPattern;
use self::version::VersionRange;
use super::glob::Glob;
use super::shown::{list, shorten};
use crate::text::printable;

/// Which tags a rule wants. With `semver` or `newer` it also knows which of two tags is newer, so that an old
/// tag that is pushed again does not bring an old image back. In JSON it is what the configuration says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "read::Written", into = "read::Written")]
pub struct TagPolicy {
    wanted: Wanted,
    /// `from: any`: a running tag that the policy cannot compare with is older than every other.
    from_any: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Wanted {
    /// Never empty.
    Globs(Vec<Glob>),
    Versions(VersionRange),
    Pattern(TagPattern),
}

/// How an offered tag stands to the running one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// It is to be set.
    Newer,
    /// It is the running tag, or equal in precedence (`v1.2.3` and `1.2.3`, `1.2` and `1.2.0`): nothing to do.
    Same,
    /// The running one is newer.
    Older,
    /// The policy cannot tell; why, for a person.
    NotComparable(String),
}

impl TagPolicy {
    /// Whether the policy wants this tag.
    pub fn matches(&self, tag: &str) -> bool {
        match &self.wanted {
            Wanted::Globs(globs) => globs.iter().any(|glob| glob.matches(tag)),
            Wanted::Versions(range) => version::version(tag).is_some_and(|version| range.contains(&version)),
            Wanted::Pattern(pattern) => pattern.matches(tag),
        }
    }

    /// Of a delivery's tags the one to take: the highest that matches if the policy has an order, else the
    /// last that matches. Of tags with equal precedence the longest and then the alphabetically last, so that
    /// the order in which a sender lists them does not matter. For the reason of `None` see
    /// [`TagPolicy::mismatch`].
    pub fn choose<'t>(&self, tags: &'t [String]) -> Option<&'t str> {
        let mut matching = tags.iter().map(String::as_str).filter(|tag| self.matches(tag));
        if self.is_ordered() {
            matching.max_by(|a, b| {
                let order = self.order(a, b).unwrap_or(Ordering::Equal);
                order.then_with(|| a.len().cmp(&b.len())).then_with(|| a.cmp(b))
            })
        } else {
            matching.next_back()
        }
    }

    /// Why none of these tags is taken, for a person: `tag latest is not a version, and semver >=1.2 wants
    /// one`.
    pub fn mismatch(&self, tags: &[String]) -> String {
        const SHOWN: usize = 5;
        match tags {
            [] => format!("there is no tag, and the rule wants {self}"),
            [tag] => format!("tag {} {}", shorten(tag), self.why_not(tag)),
            [first @ .., last] => {
                let names: Vec<_> = tags.iter().take(SHOWN).map(|tag| shorten(tag)).collect();
                let more = if first.len() < SHOWN { "" } else { ", …" };
                let names = names.join(", ");
                format!(
                    "none of the tags {names}{more} fits {self}: {} {}",
                    shorten(last),
                    self.why_not(last)
                )
            }
        }
    }

    /// Whether the policy knows which of two tags is newer.
    pub fn is_ordered(&self) -> bool {
        match &self.wanted {
            Wanted::Globs(_) => false,
            Wanted::Versions(_) => true,
            Wanted::Pattern(pattern) => pattern.newer.is_some(),
        }
    }

    /// How an offered tag stands to the running one (`None`: a digest, or no tag). A policy without order takes
    /// every other tag for newer: it was pushed later. The running tag need not be in the range, only of the
    /// form that the policy can compare: 1.1.0 is older than 1.2.0 for `>=1.2`.
    pub fn compare(&self, running: Option<&str>, offered: &str) -> Comparison {
        if !self.matches(offered) {
            return Comparison::NotComparable(format!("tag {} {}", shorten(offered), self.why_not(offered)));
        }
        if running == Some(offered) {
            return Comparison::Same;
        }
        if !self.is_ordered() {
            return Comparison::Newer;
        }
        match running.and_then(|running| self.order(offered, running)) {
            Some(Ordering::Greater) => Comparison::Newer,
            Some(Ordering::Equal) => Comparison::Same,
            Some(Ordering::Less) => Comparison::Older,
            None if self.from_any => Comparison::Newer,
            None => Comparison::NotComparable(self.not_from(running)),
        }
    }

    /// The order of two tags, whether or not they are in the range; `None` if one has no place in it.
    fn order(&self, a: &str, b: &str) -> Option<Ordering> {
        match &self.wanted {
            Wanted::Globs(_) => None,
            Wanted::Versions(_) => Some(version::compare(&version::version(a)?, &version::version(b)?)),
            Wanted::Pattern(pattern) => Some(pattern.compare(pattern.key(a)?, pattern.key(b)?)),
        }
    }

    fn not_from(&self, running: Option<&str>) -> String {
        let way_out = "; from: any in the rule's tag would replace it";
        match running {
            None => format!("the running image has no tag that {self} can compare{way_out}"),
            Some(tag) => format!("the running tag {} {}{way_out}", shorten(tag), self.not_comparable(tag)),
        }
    }

    fn not_comparable(&self, tag: &str) -> String {
        match &self.wanted {
            Wanted::Pattern(pattern) => pattern.mismatch(tag),
            Wanted::Globs(_) | Wanted::Versions(_) => {
                format!("is not a version, and {self} compares versions")
            }
        }
    }

    /// Why a tag that does not match does not.
    fn why_not(&self, tag: &str) -> String {
        match &self.wanted {
            Wanted::Globs(globs) => match globs.as_slice() {
                [glob] if glob.is_literal() => format!("is not {self}"),
                [_] => format!("does not match {self}"),
                _ => format!("matches none of {self}"),
            },
            Wanted::Pattern(pattern) => pattern.mismatch(tag),
            Wanted::Versions(range) => match version::version(tag) {
                None => format!("is not a version, and {self} wants one"),
                Some(version) if range.contains_prerelease(&version) => {
                    format!("is a pre-release, and {self} wants none; prerelease: true would take it")
                }
                Some(_) => format!("is not in {self}"),
            },
        }
    }
}

impl fmt::Display for TagPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |written: &str| printable(written, usize::MAX);
        match &self.wanted {
            Wanted::Globs(globs) => f.write_str(&shown(&list(globs))),
            Wanted::Versions(range) => write!(f, "semver {}", shown(&range.written)),
            Wanted::Pattern(pattern) => write!(f, "regex {}", shown(pattern.written())),
        }
    }
}

#[cfg(test)]
mod tests;
