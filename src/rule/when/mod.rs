//! `when`: which events a rule wants.

mod judge;
mod kinds;
mod read;
mod text;

use std::fmt;

pub use self::judge::Verdict;
use self::kinds::Kinds;
use self::text::TextFilter;
use super::glob::Glob;
use super::image_pattern::ImagePattern;
use super::policy::TagPolicy;
use super::values::Variable;

/// A filter on events: each field that is given must fit, a list fits if any of its items does, and a field
/// that the event does not have fits nothing (`image` never matches a git event). The default wants every
/// event but pings and ignored ones, which no rule acts on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct When {
    /// Never more than the other filters leave possible.
    kinds: Kinds,
    /// Empty: any image.
    images: Vec<ImagePattern>,
    tag: Option<TagPolicy>,
    /// Only the filters that are given.
    texts: Vec<(TextFilter, Vec<Glob>)>,
    auto_promotion: Option<bool>,
}

impl When {
    /// The rule's tag policy, where it has one: with an order it also decides whether a tag is newer than the
    /// running one, and which of two pending events stays.
    pub fn tag_policy(&self) -> Option<&TagPolicy> {
        self.tag.as_ref()
    }

    /// Whether events of this kind ([`crate::event::Event::kind`]) can match.
    pub fn wants(&self, kind: &str) -> bool {
        Kinds::WORDS.iter().any(|(word, set)| *word == kind && self.kinds.meets(*set))
    }

    /// The kinds of events that can match, in words.
    pub fn kinds(&self) -> String {
        self.kinds.to_string()
    }

    /// Whether deploy events can match whatever image they ask for: on an endpoint that takes such requests
    /// the request alone would then decide what runs.
    pub fn deploy_without_image(&self) -> bool {
        self.kinds.meets(Kinds::DEPLOY) && self.images.is_empty()
    }

    /// The only words that a variable can be where the rule matches; `None` if it is not limited to words.
    pub fn words(&self, variable: Variable) -> Option<Vec<String>> {
        let own = match variable {
            Variable::Branch => TextFilter::Branch,
            Variable::Environment => TextFilter::Environment,
            Variable::Namespace => TextFilter::Namespace,
            Variable::Workload => TextFilter::Workload,
            _ => return None,
        };
        let (_, globs) = self.texts.iter().find(|(filter, _)| *filter == own)?;
        globs.iter().map(|glob| glob.is_literal().then(|| glob.source().to_owned())).collect()
    }

    /// Whether the rule limits what a deploy request may say for this variable, its namespace or its workload: every
    /// pattern must have more than wildcards.
    pub fn limits(&self, variable: Variable) -> bool {
        let own = match variable {
            Variable::Namespace => TextFilter::Namespace,
            Variable::Workload => TextFilter::Workload,
            _ => return false,
        };
        let globs = self.texts.iter().find(|(filter, _)| *filter == own).map(|(_, globs)| globs);
        globs.is_some_and(|globs| globs.iter().all(Glob::is_narrow))
    }

    /// What the rule wants, in one line.
    pub fn describe(&self) -> String {
        self.to_string()
    }

    /// The kinds that the filters other than `event` leave possible.
    fn possible(&self) -> Kinds {
        let images = !self.images.is_empty() || self.tag.is_some();
        let texts = self.texts.iter().map(|(filter, _)| filter.kinds());
        texts
            .chain(images.then_some(Kinds::OF_IMAGES))
            .chain(self.auto_promotion.map(|_| Kinds::DEPLOY))
            .fold(Kinds::ALL, Kinds::and)
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        if self.kinds != self.possible() {
            parts.push(format!("event {}", self.kinds));
        }
        if !self.images.is_empty() {
            parts.push(format!("image {}", any_of(&self.images)));
        }
        parts.extend(self.tag.iter().map(|policy| format!("tag {policy}")));
        parts.extend(self.texts.iter().map(|(filter, globs)| format!("{} {}", filter.name(), any_of(globs))));
        parts.extend(self.auto_promotion.iter().map(|wanted| format!("autoPromotion {wanted}")));
        if parts.is_empty() { f.write_str("every event") } else { f.write_str(&parts.join("; ")) }
    }
}

fn any_of<T: fmt::Display>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ")
}

#[cfg(test)]
mod tests;
