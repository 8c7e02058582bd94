//! Putting back what was there.

use jiff::{SignedDuration, Timestamp};

use super::watch::Watched;
use super::{Then, Work};
use crate::action::{Change, Made};
use crate::kubernetes::patch::ImageChange;
use crate::run::model::judge::Did;
use crate::run::model::work::Fate;
use crate::run::outcome::{End, Outcome};
use crate::run::progress::Stage;

impl Work<'_> {
    pub(super) fn put_back(&mut self, change: Change, why: &str, fate: Fate) -> Then {
        let retry_for = SignedDuration::from_millis(self.run.timing.retry_for);
        let until = *self.until.get_or_insert(self.relay.now() + retry_for);
        let name = self.name();
        let ImageChange { from, to, .. } = change.images().unwrap()[0].clone();
        let live = self.relay.cluster.get(&name).clone();
        match fate {
            Fate::Forbidden => return self.is_stuck("it could not be put back", change),
            Fate::Refused => return self.put_back_later(change, until),
            _ if live.image != from && live.image != to => {
                return self.is_stuck("somebody set another image", change);
            }
            _ if live.image == to => {
                assert!(self.relay.cluster.set_image(&name, &from, live.version));
                let did = Did::PutBack { from: to, to: from };
                self.relay.judge.did(&self.run, self.place, &self.target, did);
            }
            _ => {}
        }
        if fate == Fate::Lost {
            return self.put_back_later(change, until);
        }
        let made = self.made();
        self.stage(Stage::Undone(change, why.to_owned(), made))
    }

    fn put_back_later(&mut self, change: Change, until: Timestamp) -> Then {
        match self.tried(until) {
            Ok(then) => then,
            Err(_) => self.is_stuck("it could not be put back", change),
        }
    }

    fn is_stuck(&mut self, why: &str, change: Change) -> Then {
        self.relay.judge.stuck(&self.run, &self.target);
        self.fails(why, Some(change))
    }

    pub(super) fn follow_back(&mut self, change: &Change, why: &str, made: &Made, fate: Fate) -> Then {
        match self.watch(change, made, fate, false) {
            Watched::Not(then) => then,
            Watched::Failed => self.fails("what was put back failed too", None),
            Watched::Complete | Watched::Ended(_) | Watched::Unknown(_) => {
                self.end(End::new(Outcome::RolledBack, why), None)
            }
        }
    }
}
