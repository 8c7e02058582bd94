//! Sets of the kinds of events that rules act on.

use std::fmt;

use crate::event::Event;

/// A set of kinds of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kinds(u8);

impl Kinds {
    pub(super) const IMAGE: Self = Self(1);
    pub(super) const GIT: Self = Self(2);
    pub(super) const PIPELINE: Self = Self(4);
    pub(super) const DEPLOY: Self = Self(8);
    pub(super) const ALL: Self = Self(15);
    /// Events about an image.
    pub(super) const OF_IMAGES: Self = Self::IMAGE.or(Self::DEPLOY);
    /// Events about a branch or tag of a repository.
    pub(super) const OF_REPOSITORIES: Self = Self::GIT.or(Self::PIPELINE);

    /// The words of the configuration.
    pub(super) const WORDS: [(&'static str, Self); 4] =
        [("image", Self::IMAGE), ("git", Self::GIT), ("pipeline", Self::PIPELINE), ("deploy", Self::DEPLOY)];

    /// The kind of one event; nothing for those that no rule acts on.
    pub(super) fn of(event: &Event) -> Self {
        match event {
            Event::Image(_) => Self::IMAGE,
            Event::Git(_) => Self::GIT,
            Event::Pipeline(_) => Self::PIPELINE,
            Event::Deploy(_) => Self::DEPLOY,
            Event::Ping | Event::Ignored { .. } => Self(0),
        }
    }

    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(super) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub(super) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether the sets have a kind in common.
    pub(super) const fn meets(self, other: Self) -> bool {
        !self.and(other).is_empty()
    }
}

impl Default for Kinds {
    fn default() -> Self {
        Self::ALL
    }
}

impl fmt::Display for Kinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = Self::WORDS.iter().filter(|(_, kind)| self.meets(*kind)).map(|(word, _)| *word);
        f.write_str(&words.collect::<Vec<_>>().join(" or "))
    }
}
