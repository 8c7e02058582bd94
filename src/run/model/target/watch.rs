//! Following what was changed, or put back.

use jiff::SignedDuration;

use super::{Then, Work};
use crate::action::{Change, Made};
use crate::run::model::work::Fate;
use crate::run::outcome::{End, Outcome};

/// What one look at a rollout says.
pub(super) enum Watched {
    Not(Then),
    Complete,
    Failed,
    Ended(End),
    Unknown(End),
}

impl Work<'_> {
    /// One look at a rollout.
    pub(super) fn watch(&mut self, change: &Change, made: &Made, fate: Fate, forward: bool) -> Watched {
        let Some(within) = self.within() else { return Watched::Complete };
        let (now, name) = (self.relay.now(), self.name());
        let deadline = made.at + within;
        let give_up = deadline + SignedDuration::from_millis(self.run.timing.retry_for);
        let live = self.relay.cluster.get(&name).clone();
        match fate {
            Fate::Forbidden => {
                self.relay.judge.trouble(self.run.id);
                return Watched::Unknown(End::new(Outcome::Failed, "not known"));
            }
            Fate::Refused | Fate::Lost if now >= give_up => {
                self.relay.judge.trouble(self.run.id);
                return Watched::Unknown(End::new(Outcome::Expired, "not known"));
            }
            Fate::Refused | Fate::Lost => {}
            Fate::Answered | Fate::Early => {
                let change = change.images().map(|changes| &changes[0]);
                let wanted = change.map(|change| if forward { &change.to } else { &change.from });
                if wanted.is_some_and(|wanted| live.image != *wanted) {
                    return Watched::Ended(End::new(Outcome::Failed, "somebody set another image"));
                }
                if fate == Fate::Answered {
                    let up = self.relay.cluster.comes_up(&name);
                    return if up { Watched::Complete } else { Watched::Failed };
                }
                if now >= deadline {
                    return Watched::Failed;
                }
                self.relay.cluster.stir(&name);
            }
        }
        let closing = self.relay.process.closing;
        Watched::Not(if closing { Then::Suspended } else { Then::Later(self.relay.clock + 1000) })
    }
}
