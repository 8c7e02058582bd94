//! The way of a Knative Service's requests from one revision to the next: what is asked for at each step, and what must
//! be seen before the next.

use serde::{Deserialize, Serialize};

use crate::kubernetes::Object;
use crate::kubernetes::object::{Shares, Traffic, traffic};

/// Requests go over from one revision to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Handover {
    /// The revision that serves before.
    old: String,
    /// The one that shall serve, once it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    new: Option<String>,
    /// What else the service's traffic names, which gets no requests but those to its own URL.
    tagged: Vec<Traffic>,
    /// How much the new revision gets, in percent, one step after the other.
    steps: Vec<u8>,
}

/// Where requests go at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// What the spec asks for.
    pub asked: Vec<Traffic>,
    /// What the status shows then.
    pub shares: Shares,
}

impl Split {
    /// What somebody else asked for in its place, if so.
    pub fn differs(&self, object: &Object) -> Option<String> {
        let there = object.traffic();
        (there != self.asked).then(|| format!("somebody changed its traffic: {}", traffic::asked(&there)))
    }
}

impl Handover {
    /// From the revision that serves now. Of the traffic that is there, what has a tag stays.
    pub(super) fn new(old: &str, there: &[Traffic], steps: &[u8]) -> Self {
        let tagged = there.iter().filter(|entry| entry.tag.is_some());
        let tagged = tagged.map(|entry| Traffic { percent: 0, ..entry.clone() }).collect();
        Self { old: old.to_owned(), new: None, tagged, steps: steps.to_owned() }
    }

    /// The revision that serves before.
    pub fn old(&self) -> &str {
        &self.old
    }

    /// The revision that serves in the end.
    pub fn new_revision(&self) -> &str {
        self.new.as_deref().unwrap_or(&self.old)
    }

    /// The new revision is there.
    pub(in crate::action) fn come(&mut self, revision: &str) {
        self.new = Some(revision.to_owned());
    }

    /// The first step: without another revision there is only the end left to do.
    pub fn first(&self) -> usize {
        if self.new_revision() == self.old { self.steps.len() } else { 0 }
    }

    /// Whether this step, the one after all percentages, is the end: the newest revision serves, whichever it is.
    pub fn is_end(&self, step: usize) -> bool {
        step >= self.steps.len()
    }

    /// How much the new revision gets at a step.
    pub fn percent(&self, step: usize) -> i64 {
        self.steps.get(step).copied().map_or(100, i64::from)
    }

    /// Everything goes to the old revision: before the first step, and after a failure.
    pub fn pinned(&self) -> Split {
        self.split([Traffic::to(&self.old, 100)], [(&self.old, 100)])
    }

    /// Where requests go at a step.
    pub fn at(&self, step: usize) -> Split {
        let new = self.new_revision();
        if self.is_end(step) {
            return self.end();
        }
        let percent = self.percent(step);
        // The old one stays named to the end, so that Knative keeps it.
        let entries = [Traffic::to(&self.old, 100 - percent), Traffic::to(new, percent)];
        self.split(entries, [(&self.old, 100 - percent), (new, percent)])
    }

    /// Where requests go before a step.
    pub fn before(&self, step: usize) -> Split {
        let before = step.checked_sub(1).filter(|_| step > self.first());
        before.map_or_else(|| self.pinned(), |step| self.at(step))
    }

    /// Whether this traffic is of this way, and not somebody else's.
    pub(super) fn has(&self, traffic: &[Traffic]) -> bool {
        let on_the_way = (0..=self.steps.len()).any(|step| self.at(step).asked == traffic);
        on_the_way || self.pinned().asked == traffic
    }

    fn end(&self) -> Split {
        let mut split = self.split([], [(self.new_revision(), 100)]);
        match split.asked.iter_mut().find(|entry| entry.revision_name.is_none()) {
            Some(tagged) => tagged.percent = 100,
            None => split.asked.push(Traffic::to_latest(100)),
        }
        split
    }

    fn split<const N: usize, const M: usize>(
        &self,
        entries: [Traffic; N],
        shares: [(&str, i64); M],
    ) -> Split {
        let served = shares.into_iter().filter(|(_, percent)| *percent > 0);
        Split {
            asked: self.tagged.iter().cloned().chain(entries).collect(),
            shares: served.map(|(revision, percent)| (revision.to_owned(), percent)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tagged(revision: Option<&str>, percent: i64, tag: &str) -> Traffic {
        Traffic { revision_name: revision.map(str::to_owned), percent, tag: Some(tag.to_owned()) }
    }

    fn handover(there: &[Traffic]) -> Handover {
        let mut handover = Handover::new("game-1", there, &[10, 50, 100]);
        handover.come("game-2");
        handover
    }

    #[test]
    fn requests_go_over_step_by_step() {
        let handover = handover(&[Traffic::to_latest(100)]);
        let asked = |step| handover.at(step).asked;
        assert_eq!(handover.pinned().asked, [Traffic::to("game-1", 100)]);
        assert_eq!(asked(0), [Traffic::to("game-1", 90), Traffic::to("game-2", 10)]);
        assert_eq!(asked(2), [Traffic::to("game-1", 0), Traffic::to("game-2", 100)]);
        assert_eq!(asked(3), [Traffic::to_latest(100)]);
        assert_eq!(handover.at(2).shares, handover.at(3).shares);
        assert_eq!((handover.before(0), handover.before(2)), (handover.pinned(), handover.at(1)));
        assert!(
            handover.has(&asked(1)) && !handover.has(&[Traffic::to("game-1", 60), Traffic::to("game-2", 40)])
        );
    }

    #[test]
    fn tags_keep_their_urls_and_get_nothing_else() {
        let handover = handover(&[tagged(Some("game-0"), 0, "old"), tagged(None, 100, "current")]);
        let (old, current) = (tagged(Some("game-0"), 0, "old"), tagged(None, 0, "current"));
        assert_eq!(handover.pinned().asked, [old.clone(), current, Traffic::to("game-1", 100)]);
        assert_eq!(handover.at(3).asked, [old, tagged(None, 100, "current")]);
    }

    #[test]
    fn without_another_revision_only_the_end_is_left() {
        let mut handover = Handover::new("game-1", &[], &[10, 100]);
        handover.come("game-1");
        assert!(handover.is_end(handover.first()));
        assert_eq!(handover.before(handover.first()), handover.pinned());
    }
}
