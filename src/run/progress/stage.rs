//! Where a target stands.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Shift;
use crate::action::{Change, Made, Target};
use crate::kubernetes::patch::ImageChange;
use crate::run::outcome::End;
use crate::run::unproven::{Unproven, from_before_all};

/// Where a target stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Stage {
    /// It has not been looked at, or must be looked at again.
    Waiting,
    /// It is looked at, since then, and not changed.
    Checking(Timestamp),
    /// A person was asked to confirm until then.
    Asked(Timestamp),
    /// It is decided what to change, and the change may have been made.
    Decided(Change),
    /// The change was made and is followed.
    Made(Change, Made),
    /// The change is there, and requests go over to it.
    Shifting(Change, Shift),
    /// The rollout failed, and waits for the others of the step to end before it is undone.
    Broken(Change, String),
    /// What was there shall be put back, for this reason.
    Undoing(Change, String),
    /// What was there was put back, which is followed.
    Undone(Change, String, Made),
    /// It has ended, with what was changed if that stayed, or may have been made.
    Ended(End, Option<Change>),
}

impl Stage {
    /// What is changed, if that is decided.
    pub fn change(&self) -> Option<&Change> {
        match self {
            Self::Waiting | Self::Checking(_) | Self::Asked(_) => None,
            Self::Decided(change)
            | Self::Made(change, _)
            | Self::Shifting(change, _)
            | Self::Broken(change, _)
            | Self::Undoing(change, _)
            | Self::Undone(change, ..) => Some(change),
            Self::Ended(_, change) => change.as_ref(),
        }
    }

    /// The object as the last change of it left it.
    pub fn made(&self) -> Option<&Made> {
        match self {
            Self::Made(_, made) | Self::Undone(.., made) => Some(made),
            Self::Shifting(_, shift) => shift.made(),
            _ => None,
        }
    }

    /// The stage with its change as it is from what was there before all that is unproven.
    pub(in crate::run) fn since_before_all(self, unproven: &[Unproven], target: &Target) -> Self {
        match self {
            Self::Made(change, made) => Self::Made(from_before_all(unproven, target, change), made),
            Self::Ended(end, Some(change)) => {
                Self::Ended(end, Some(from_before_all(unproven, target, change)))
            }
            other => other,
        }
    }

    /// Whether what was made and is followed is not there any more, now that these images are set.
    pub fn is_overwritten_by(&self, images: &[ImageChange]) -> bool {
        let Self::Made(change, _) = self else { return false };
        let other = |one: &ImageChange, new: &ImageChange| one.is_of_same_container(new) && one.to != new.to;
        change.images().unwrap_or_default().iter().any(|one| images.iter().any(|new| other(one, new)))
    }

    /// Whether something is still to be sent, as far as is known.
    pub fn is_unsent(&self) -> bool {
        matches!(self, Self::Waiting | Self::Decided(..) | Self::Shifting(..) | Self::Undoing(..))
    }

    pub(super) fn is_at_work(&self) -> bool {
        !matches!(self, Self::Broken(..) | Self::Ended(..))
    }

    pub(super) fn has_failed(&self) -> bool {
        match self {
            Self::Broken(..) => true,
            Self::Ended(end, _) => !end.outcome.is_good(),
            _ => false,
        }
    }
}
