//! `traffic`: a new revision of a Knative Service, and requests to it step by step: blue-green.
//!
//! The revision that serves is pinned in the moment in which the image is set, so that nobody meets the new one before
//! the first step.

mod handover;
mod read;

use std::time::Duration;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

pub use self::handover::{Handover, Split};
use super::change::{Change, Decision, Making, What};
use super::context::{Api, Context, Done, Failure};
use super::images::{self, PutBack, Set};
use super::preview::{Outlook, Preview, Would};
use super::rights::Scope;
use super::rollout::{OnFailure, Rollout};
use super::set_image::{self, SetImage};
use super::targets::Targets;
use crate::kubernetes::object::traffic;
use crate::kubernetes::owner::owner;
use crate::kubernetes::patch::{self, ImageChange, Read};
use crate::kubernetes::right::Right;
use crate::kubernetes::{Object, PatchRequest, Patched, Workload};
use crate::probe::Probe;

/// Shifts requests from the revision that serves to a new one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Traffic {
    /// The service, its image, and how long it may take until something can be seen.
    set: SetImage,
    /// How much the new revision gets, in percent, one after the other.
    steps: Vec<u8>,
    /// How long each of them stays before the next.
    every: Duration,
    /// What must be well before the next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    check: Option<Probe>,
}

/// What came of a step.
#[derive(Debug, PartialEq, Eq)]
pub enum Shifted {
    /// The service asks for it.
    Done(Patched),
    /// Somebody else decides about the service now, which is left alone.
    LeftAlone(String),
}

/// What is to be done to a service that was read.
enum Plan {
    Nothing(Done),
    Change(What),
}

impl Traffic {
    pub(super) fn targets(&self) -> &Targets {
        &self.set.targets
    }

    pub(super) fn rights(&self, scope: &Scope<'_>) -> Vec<Right> {
        self.set.rights(scope)
    }

    pub(super) fn rollout(&self) -> Rollout {
        self.set.rollout
    }

    /// How long each step stays before the next.
    pub fn every(&self) -> Duration {
        self.every
    }

    /// What must be well before the next step.
    pub fn check(&self) -> Option<&Probe> {
        self.check.as_ref()
    }

    pub(super) fn describe(&self) -> String {
        let steps: Vec<_> = self.steps.iter().map(|step| format!("{step} %")).collect();
        let back = match self.set.rollout.on_failure {
            OnFailure::Rollback => "back",
            OnFailure::Keep => "kept",
        };
        let (targets, steps) = (&self.set.targets, steps.join(", "));
        let every = SignedDuration::try_from(self.every).unwrap_or(SignedDuration::MAX);
        let check = self.check.as_ref().map(|check| format!(", then checked: {}", check.describe()));
        let check = check.unwrap_or_default();
        format!(
            "{steps} of the traffic of {targets} to a new revision, each for {every:#}{check}; {back} if it fails"
        )
    }

    pub(super) async fn decide(
        &self,
        api: &Api,
        workload: &Workload,
        context: &Context<'_>,
    ) -> Result<Decision, Failure> {
        let object = api.kubernetes.get(workload).await?;
        Ok(match self.plan(workload, &object, context)? {
            Plan::Nothing(done) => Decision::Nothing(done),
            Plan::Change(what) => {
                let warning = owner(&object).map(|owner| owner.to_string());
                Decision::Change(Change { what, warning })
            }
        })
    }

    pub(super) async fn preview(
        &self,
        outlook: &Outlook<'_>,
        workload: &Workload,
        context: &Context<'_>,
    ) -> Result<Would, Failure> {
        let Some(api) = outlook.live else {
            return Ok(outlook.needs_live("traffic", workload));
        };
        let object = api.kubernetes.get(workload).await?;
        Ok(match self.plan(workload, &object, context)? {
            Plan::Nothing(done) => Would::End(done),
            Plan::Change(what) => {
                let request = first(&what, workload, &context.change_cause(), outlook.field_manager());
                Would::Send(Preview::patch("traffic", outlook.base(), request))
            }
        })
    }

    /// What is to be done, from what was read: a pure function.
    fn plan(&self, workload: &Workload, object: &Object, context: &Context<'_>) -> Result<Plan, Failure> {
        let (changes, there) = match self.set.plan(workload, object, context)? {
            set_image::Plan::Nothing(done) => return Ok(Plan::Nothing(done)),
            set_image::Plan::There(done, changes) => (changes, Some(done)),
            set_image::Plan::Change(changes) => (changes, None),
        };
        let (asked, goes_on) = (object.traffic(), there.is_some());
        if let Some(done) = there {
            if asked.iter().all(|entry| entry.revision_name.is_none() || entry.percent == 0) {
                return self.set.there(workload, object, done).map(Plan::Nothing);
            }
            // The image is there, and gets no requests, or some: an earlier run did not come to its end.
            if let Some(held) = &context.held {
                return Ok(Plan::Nothing(Done::held(held)));
            }
        }
        if !object.is_observed() {
            return Err(Failure::again("its controller has not seen its last change yet"));
        }
        let old = serving(workload, object, goes_on)?;
        let handover = Handover::new(&old, &asked, &self.steps).into();
        Ok(Plan::Change(What::Traffic { changes, read: Read::of(object), handover }))
    }

    /// Makes the traffic of a step, if it is not there yet. The service must be as the step before left it.
    pub async fn shift(
        &self,
        change: &Change,
        step: usize,
        api: &Api,
        workload: &Workload,
        context: &Context<'_>,
    ) -> Result<Shifted, Failure> {
        let What::Traffic { changes, read, handover } = &change.what else {
            return Err(Failure::last("the change has no traffic to shift"));
        };
        let object = match images::find(changes, read, api, workload).await? {
            Ok(object) => object,
            Err(other) => return Ok(Shifted::LeftAlone(other)),
        };
        if let Some(other) = images::differs(&object, changes, |change| &change.to) {
            return Ok(Shifted::LeftAlone(other));
        }
        let (asked, wanted) = (object.traffic(), handover.at(step).asked);
        if asked == wanted {
            return Ok(Shifted::Done(Patched::from(object)));
        }
        if let Some(other) = handover.before(step).differs(&object) {
            return Ok(Shifted::LeftAlone(other));
        }
        let (cause, manager) = (context.change_cause(), api.kubernetes.field_manager());
        let read = Read::of(&object);
        let request = patch::set_traffic(workload, &read, &[], &wanted, &cause, manager);
        match images::send(&request, &[], &read, api, workload, |object| object.traffic() == wanted).await? {
            Set::Done(patched, _) => Ok(Shifted::Done(patched)),
            Set::Stale(why) => Err(Failure::again(why)),
        }
    }
}

/// Pins the revision that serves and sets the images.
pub(super) async fn begin(
    change: &Change,
    api: &Api,
    workload: &Workload,
    context: &Context<'_>,
) -> Result<Making, Failure> {
    let What::Traffic { changes, read, handover } = &change.what else {
        return Err(Failure::last("the change has no traffic to shift"));
    };
    let request = first(&change.what, workload, &context.change_cause(), api.kubernetes.field_manager());
    let pinned = handover.pinned().asked;
    let is_pinned = |object: &Object| object.traffic() == pinned;
    Ok(match images::send(&request, changes, read, api, workload, is_pinned).await? {
        Set::Done(patched, changes) => {
            let what = What::Traffic { changes, read: read.clone(), handover: handover.clone() };
            Making::Made(patched, Change { what, ..change.clone() })
        }
        Set::Stale(why) => Making::Stale(why),
    })
}

/// Gives all requests to the revision that served before, and puts its images back.
pub(super) async fn put_back(
    change: &Change,
    api: &Api,
    workload: &Workload,
    context: &Context<'_>,
) -> Result<PutBack, Failure> {
    let What::Traffic { changes, read, handover } = &change.what else {
        return Err(Failure::last("the change has no traffic to put back"));
    };
    let object = match images::find(changes, read, api, workload).await? {
        Ok(object) => object,
        Err(other) => return Ok(PutBack::LeftAlone(other)),
    };
    let (asked, pinned) = (object.traffic(), handover.pinned().asked);
    if !handover.has(&asked)
        && let Some(other) = handover.pinned().differs(&object)
    {
        return Ok(PutBack::LeftAlone(other));
    }
    let back = images::way_back(&object, changes);
    if back.is_empty() && asked == pinned {
        return Ok(PutBack::Done(Patched::from(object)));
    }
    let (cause, manager) = (context.change_cause(), api.kubernetes.field_manager());
    let read = Read::of(&object);
    let request = patch::set_traffic(workload, &read, &back, &pinned, &cause, manager);
    match images::send(&request, &back, &read, api, workload, |object| object.traffic() == pinned).await? {
        Set::Done(patched, _) => Ok(PutBack::Done(patched)),
        Set::Stale(why) => Err(Failure::again(why)),
    }
}

/// The first patch: nobody meets the new revision by it.
fn first(what: &What, workload: &Workload, cause: &str, manager: &str) -> PatchRequest {
    let none = Read::default();
    let (changes, read, traffic): (&[ImageChange], _, _) = match what {
        What::Traffic { changes, read, handover } => (changes, read, handover.pinned().asked),
        _ => (&[], &none, Vec::new()),
    };
    patch::set_traffic(workload, read, changes, &traffic, cause, manager)
}

/// The revision that serves now. When an earlier run `goes_on`, its new one may serve a part already.
fn serving(workload: &Workload, object: &Object, goes_on: bool) -> Result<String, Failure> {
    let shares = object.shares();
    let newest = object.newest_ready_revision();
    let others: Vec<_> =
        shares.keys().filter(|revision| shares.len() < 2 || !goes_on || newest != Some(revision)).collect();
    let Workload { namespace, name, .. } = workload;
    match (others.as_slice(), object.ready_revision()) {
        ([one], _) => Ok((*one).clone()),
        ([], Some(ready)) => Ok(ready.to_owned()),
        ([], None) => Err(Failure::last(
            "no revision of it is ready, so there is none that requests could stay at: set its first image with \
             setImage",
        )),
        _ => Err(Failure::last(format!(
            "its traffic is split: {}; give all of it to one revision first: kn service update {name} -n {namespace} \
             --traffic REVISION=100",
            traffic::told(&shares)
        ))),
    }
}

#[cfg(test)]
mod tests;
