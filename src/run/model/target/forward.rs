//! From the first look at a target to the end of its rollout.

use jiff::SignedDuration;

use super::watch::Watched;
use super::{Then, Work};
use crate::action::{Action, Change, Made, Target, What};
use crate::kubernetes::object::ContainerList;
use crate::kubernetes::patch::{ImageChange, Read};
use crate::run::model::judge::Did;
use crate::run::model::work::{Fate, retry_until};
use crate::run::outcome::{End, Outcome};
use crate::run::progress::{Stage, Tries};
use crate::run::record::Run;
use crate::run::unproven;

/// How often a workload that changes under the relay's hands is read again at once.
const READS: u32 = 5;

impl Work<'_> {
    pub(super) fn decide(&mut self, fate: Fate) -> Then {
        match fate {
            Fate::Answered | Fate::Early => {}
            Fate::Forbidden => return self.fails("forbidden", None),
            Fate::Refused | Fate::Lost => {
                return match self.tried(retry_until(&self.run)) {
                    Ok(then) => then,
                    Err(end) => self.end(end, None),
                };
            }
        }
        let decided = match (self.action(), &self.target) {
            (Action::SetImage(_), _) => self.decide_image(),
            (Action::Restart(_), _) => self.decide_restart(),
            (Action::FluxNotify(_), _) => Ok(What::Notify),
            (Action::Reconcile(_), _) => Ok(What::Reconcile),
            (Action::Apply(_) | Action::Patch(_), _) => unreachable!("the model makes no such rules"),
        };
        let what = match decided {
            Ok(what) => what,
            Err(end) => return self.end(end, None),
        };
        let notifies = what == What::Notify;
        let change = Change { what, warning: None };
        let soon = !change.is_to_be_kept();
        let Then::Landed(batch) = self.stage(Stage::Decided(change)) else { panic!("nothing was written") };
        if !notifies {
            self.relay.judge.looked(&self.run, self.place, batch);
        }
        if soon { Then::AtOnce } else { Then::Landed(batch) }
    }

    fn decide_image(&mut self) -> Result<What, End> {
        let live = self.relay.cluster.get(&self.name()).clone();
        let asked = asked(&self.run);
        let (tag, policy) = (self.run.tag.as_deref().unwrap_or_default(), self.run.policy.as_ref());
        let running = live.image.rsplit_once(':').unwrap().1;
        let is_newer = policy.is_none_or(|policy| {
            !policy.is_ordered() || policy.compare(Some(running), tag) == crate::rule::Comparison::Newer
        });
        let progress = self.relay.process.queue.progress(self.run.id).unwrap();
        let is_followed_again = live.image == asked
            && unproven::of(&progress.unproven, &self.target).any(|other| other.to == live.image);
        if !is_followed_again && (!is_newer || live.image == asked) {
            return Err(End::new(Outcome::Unchanged, "it runs that or a newer one"));
        }
        let held = self.relay.process.queue.held(&self.run, &self.target).is_some();
        self.relay.judge.is_held(&self.run, &self.target, held);
        if held {
            return Err(End::new(Outcome::Held, "held"));
        }
        let change = ImageChange {
            list: ContainerList::Containers,
            index: 0,
            name: "main".into(),
            from: live.image,
            to: asked,
            policy: None,
        };
        let read =
            Read { resource_version: live.version.to_string(), has_annotations: true, uid: String::new() };
        Ok(What::Images { changes: vec![change], read })
    }

    fn decide_restart(&mut self) -> Result<What, End> {
        let before = self.relay.cluster.get(&self.name()).restarted_at.clone();
        let now = self.relay.now();
        let progress = self.relay.process.queue.progress(self.run.id).unwrap();
        let since =
            progress.came_again.unwrap_or(self.run.delivery.received)..=now + SignedDuration::from_secs(1);
        if before.as_ref().is_some_and(|at| since.contains(&at.parse().unwrap())) {
            return Err(End::new(Outcome::Unchanged, "it was restarted after the event"));
        }
        let fresh = |later: i64| format!("{:.3}", now + SignedDuration::from_millis(later));
        let at = if before == Some(fresh(0)) { fresh(1) } else { fresh(0) };
        Ok(What::Restart { at })
    }

    pub(super) fn make(&mut self, change: Change, fate: Fate) -> Then {
        if fate == Fate::Forbidden {
            let progress = self.relay.process.queue.progress(self.run.id).unwrap();
            let tries = progress.target(self.place.0, self.place.1).unwrap().tries;
            let perhaps = self.resumed || tries != Tries::default();
            return self.fails("forbidden", Some(change).filter(|_| perhaps));
        }
        let is_workload = matches!(self.target, Target::Workload(_));
        if fate == Fate::Early && is_workload {
            // Its status changes just now.
            self.relay.cluster.stir(&self.name());
        }
        let made = if fate == Fate::Refused { None } else { Some(self.patch(&change)) };
        match made {
            Some(false) if fate != Fate::Lost && self.stale < READS => {
                self.stale += 1;
                let then = self.stage(Stage::Waiting);
                if let Then::Landed(batch) = then {
                    self.relay.judge.looks_again(&self.run, self.place, batch);
                }
                return then;
            }
            Some(true) if fate != Fate::Lost => {}
            _ => {
                return match self.tried(retry_until(&self.run)) {
                    Ok(then) => then,
                    Err(end) => self.end(end, Some(change)),
                };
            }
        }
        if self.within().is_none() {
            return self.end(End::new(Outcome::Succeeded, "changed"), Some(change));
        }
        let made = self.made();
        let writes = self.relay.process.queue.made(&self.run, self.place, Stage::Made(change, made));
        let batch = self.relay.disk.write(writes);
        self.relay.judge.came(&self.run, &self.target, batch);
        Then::Landed(batch)
    }

    /// Makes a change; false if the target is not what it was.
    fn patch(&mut self, change: &Change) -> bool {
        let name = self.name();
        match &change.what {
            What::Images { changes, read } => {
                let ImageChange { from, to, .. } = &changes[0];
                if self.relay.cluster.set_image(&name, to, read.resource_version.parse().unwrap()) {
                    let did = Did::Set { from: from.clone(), to: to.clone() };
                    self.relay.judge.did(&self.run, self.place, &self.target, did);
                    return true;
                }
                self.relay.cluster.get(&name).image == *to
            }
            What::Restart { at } => {
                let there = self.relay.cluster.get(&name).restarted_at.as_ref();
                let is_there = self.resumed && there.is_some_and(|there| there >= at);
                if !is_there && self.relay.cluster.restart(&name, at) {
                    self.relay.judge.did(&self.run, self.place, &self.target, Did::Restarted);
                }
                true
            }
            What::Notify | What::Reconcile | What::Apply { .. } | What::Patch { .. } => {
                self.relay.judge.did(&self.run, self.place, &self.target, Did::Told);
                true
            }
        }
    }

    pub(super) fn follow(&mut self, change: Change, made: &Made, fate: Fate) -> Then {
        match self.watch(&change, made, fate, true) {
            Watched::Not(then) => then,
            Watched::Complete => self.end(End::new(Outcome::Succeeded, "rolled out"), Some(change)),
            Watched::Failed => {
                let then = if self.action().rolls_back() && change.images().is_some() {
                    self.stage(Stage::Broken(change, "it does not come up".into()))
                } else {
                    self.fails("it does not come up", Some(change))
                };
                let Then::Landed(batch) = then else { panic!("nothing was written") };
                self.relay.judge.broke(&self.run, batch);
                then
            }
            Watched::Ended(end) => self.end(end, None),
            Watched::Unknown(end) => self.end(end, Some(change)),
        }
    }
}

/// The image that a run asks for.
pub(in crate::run::model) fn asked(run: &Run) -> String {
    use crate::event::Event;
    let tag = run.tag.as_deref().unwrap_or_default();
    match &run.event {
        Event::Image(image) => format!("{}:{tag}", image.repository),
        Event::Deploy(deploy) => {
            let digest = deploy.digest.as_ref().map(|digest| format!("@{digest}")).unwrap_or_default();
            format!("{}:{tag}{digest}", deploy.image)
        }
        other => panic!("{other:?} has no image"),
    }
}
