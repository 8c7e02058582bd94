//! Puts back what a failed rollout changed, and follows that too.

use jiff::Timestamp;

use super::Work;
use crate::action::{Change, Handover, Made, PutBack};
use crate::run::attempts::Stop;
use crate::run::follow::{Aim, Followed};
use crate::run::outcome::{End, Outcome};
use crate::run::progress::Stage;

impl Work<'_> {
    /// What was changed has failed: it is put back, if that is asked for.
    pub(super) async fn breaks(&self, change: Change, why: String) {
        if self.action.rolls_back() && change.images().is_some() {
            self.stage(Stage::Broken(change, why)).await;
        } else {
            self.end(End::new(Outcome::Failed, why), Some(change)).await;
        }
    }

    /// Writes what was there before, unless somebody else has changed it since.
    pub(super) async fn put_back(&self, change: Change, why: String) -> Result<(), Stop> {
        let Self { engine, run, action, target, .. } = self;
        let changed = &change;
        let put_back = self
            .tried(|| async move { action.put_back(changed, &engine.api(), target, &run.context()).await })
            .await;
        match put_back {
            Ok(PutBack::Done(patched)) => {
                let made = Made { patched, at: Timestamp::now() };
                self.stage(Stage::Undone(change, why, made)).await;
            }
            Ok(PutBack::LeftAlone(other)) => {
                let reason = format!("{why}; not put back: {other}");
                self.end(End::new(Outcome::Failed, reason), Some(change)).await;
            }
            Err(Stop::Suspended) => return Err(Stop::Suspended),
            Err(Stop::End(end)) => {
                let reason = format!("{why}; what was there could not be put back: {}", end.reason);
                self.end(End::new(Outcome::Failed, reason), Some(change)).await;
            }
        }
        Ok(())
    }

    /// Follows what was put back to its end.
    pub(super) async fn follow_back(&self, change: Change, why: String, made: Made) -> Result<(), Stop> {
        let aim = Aim { forward: false, split: change.handover().map(Handover::pinned) };
        let end = match self.watch(&change, made, aim).await? {
            Followed::Complete(_) => {
                End::new(Outcome::RolledBack, format!("{why}; put back: {}", change.back()))
            }
            Followed::Failed(again) => End::new(
                Outcome::Failed,
                format!("{why}; put back: {}, and that failed too: {again}", change.back()),
            ),
            Followed::Ended(end) | Followed::Unknown(end) => {
                End::new(Outcome::RolledBack, format!("{why}; put back: {}; {}", change.back(), end.reason))
            }
        };
        self.end(end, None).await;
        Ok(())
    }
}
