//! `setImage`: the pushed image, by tag, in the containers that run it.

use serde::{Deserialize, Serialize};

use super::change::{Change, Decision, What};
use super::context::{Api, Context, Done, Failure};
use super::preview::{Outlook, Preview, Would};
use super::rights::Scope;
use super::rollout::{OnFailure, Rollout};
use super::targets::{Targets, image_of};
use crate::config::fields::Fields;
use crate::event::Event;
use crate::image::{Image, Repository};
use crate::kubernetes::object::{Container, traffic};
use crate::kubernetes::owner::owner;
use crate::kubernetes::patch::{self, ImageChange, PolicyChange, Read};
use crate::kubernetes::right::Right;
use crate::kubernetes::rollout::{Standing, judge};
use crate::kubernetes::{Kind, Object, Workload};
use crate::rule::{Comparison, Template};

/// What has images that can be set.
pub(super) const KINDS: &[Kind] = &Kind::ALL;

/// The tag of an image that is written without one.
const DEFAULT_TAG: &str = "latest";

/// Sets the image of containers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SetImage {
    pub(super) targets: Targets,
    /// This container, wherever it pulls from; else those that run the event's repository.
    container: Option<Template>,
    /// Take the place also of a tag that the rule's policy cannot compare with.
    from_any: bool,
    /// This whole image, instead of the event's tag at the repository as the container spells it. Only `traffic` has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    image: Option<Template>,
    /// The `imagePullPolicy` that goes with the image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pull_policy: Option<String>,
    pub(super) rollout: Rollout,
}

/// What the API takes as `imagePullPolicy`.
const PULL_POLICIES: [(&str, &str); 3] =
    [("Always", "Always"), ("IfNotPresent", "IfNotPresent"), ("Never", "Never")];

/// What is to be done to a workload that was read.
pub(super) enum Plan {
    Nothing(Done),
    /// What is asked for is what runs, in these containers.
    There(Done, Vec<ImageChange>),
    Change(Vec<ImageChange>),
}

/// Why an image stays.
struct Stays {
    reason: String,
    /// Because it is the one that is asked for.
    same: bool,
}

impl SetImage {
    pub(super) fn read(mut fields: Fields<'_>) -> Option<Self> {
        let targets = Targets::read(&mut fields, |_| None);
        let container = fields.string("container").and_then(|text| {
            if text.is_empty() {
                fields.mistake("container", "is empty: leave it out for every container that runs the image");
            }
            Template::parse(&text).map_err(|why| fields.mistake("container", why)).ok()
        });
        let from_any = fields.one_of("from", &[("any", true)]).unwrap_or(false);
        let pull_policy = fields.one_of("imagePullPolicy", &PULL_POLICIES).map(str::to_owned);
        let rollout = Rollout::read(&mut fields);
        fields.finish();
        Some(Self { targets: targets?, container, from_any, image: None, pull_policy, rollout })
    }

    /// What sets an image as part of another action.
    pub(super) fn of(targets: Targets, image: Option<Template>, rollout: Rollout) -> Self {
        Self { targets, container: None, from_any: false, image, pull_policy: None, rollout }
    }

    pub(super) fn rights(&self, scope: &Scope<'_>) -> Vec<Right> {
        let goes_back = scope.goes_back || self.rollout.on_failure == OnFailure::Rollback;
        let on_failure = if goes_back { OnFailure::Rollback } else { OnFailure::Keep };
        self.targets.rights(scope, KINDS, Rollout { on_failure, ..self.rollout })
    }

    pub(super) fn describe(&self) -> String {
        let container =
            self.container.as_ref().map(|name| format!(" of container {name}")).unwrap_or_default();
        let policy = self.pull_policy.as_ref().map(|policy| format!(" (imagePullPolicy {policy})"));
        format!("set the image{container} in {}{}", self.targets, policy.unwrap_or_default())
    }

    pub(super) async fn decide(
        &self,
        api: &Api,
        workload: &Workload,
        context: &Context<'_>,
    ) -> Result<Decision, Failure> {
        let object = api.kubernetes.get(workload).await?;
        let changes = match self.plan(workload, &object, context)? {
            Plan::Nothing(done) => return Ok(Decision::Nothing(done)),
            Plan::There(done, _) => return self.there(workload, &object, done).map(Decision::Nothing),
            Plan::Change(changes) => changes,
        };
        let what = What::Images { changes, read: Read::of(&object) };
        let warnings: Vec<_> = owner(&object)
            .map(|owner| owner.to_string())
            .into_iter()
            .chain(pinned(workload, &object))
            .collect();
        Ok(Decision::Change(Change { what, warning: (!warnings.is_empty()).then(|| warnings.join("; ")) }))
    }

    /// What is asked for runs already, which is well unless its rollout has failed: a redelivery of what failed must
    /// not look like a success.
    pub(super) fn there(&self, workload: &Workload, object: &Object, done: Done) -> Result<Done, Failure> {
        match judge(workload.kind, object, object.metadata.generation) {
            Standing::Failed(why) if self.rollout.within.is_some() => {
                Err(Failure::last(format!("{}, but {why}", done.reason)))
            }
            _ => Ok(done),
        }
    }

    pub(super) async fn preview(
        &self,
        outlook: &Outlook<'_>,
        workload: &Workload,
        context: &Context<'_>,
    ) -> Result<Would, Failure> {
        let Some(api) = outlook.live else {
            return Ok(outlook.needs_live("setImage", workload));
        };
        let object = api.kubernetes.get(workload).await?;
        Ok(match self.plan(workload, &object, context)? {
            Plan::Nothing(done) | Plan::There(done, _) => Would::End(done),
            Plan::Change(changes) => {
                let read = Read::of(&object);
                let (cause, manager) = (context.change_cause(), outlook.field_manager());
                let request = patch::set_image(workload, &read, &changes, &cause, manager);
                Would::Send(Preview::patch("setImage", outlook.base(), request))
            }
        })
    }

    /// What is to be done, from what was read: a pure function.
    pub(super) fn plan(
        &self,
        workload: &Workload,
        object: &Object,
        context: &Context<'_>,
    ) -> Result<Plan, Failure> {
        if object.is_deleting() {
            return Ok(Plan::Nothing(Done::skipped("it is being deleted")));
        }
        let Some(repository) = image_of(context.event) else {
            return Err(Failure::last(format!("a {} event has no image to set", context.event.kind())));
        };
        let container = self.container.as_ref().map(|name| name.render(&context.values)).transpose();
        let container = container.map_err(Failure::last)?;
        if let Some(other) = object.template_elsewhere() {
            let reason =
                format!("it has no image of its own: its pods are those of {other}; set the image there");
            return self.targets.cannot(reason).map(Plan::Nothing);
        }
        let whole = self.whole_image(context)?;
        let repository = whole.as_ref().map_or(repository, |image| &image.repository);
        // The only container of a workload is meant whatever it runs, where the image is given as a whole.
        let only = whole.is_some() && object.containers().nth(1).is_none();
        let wanted = |c: &Container| match &container {
            Some(name) => c.name == *name,
            None => only || Image::parse(&c.image).is_ok_and(|image| image.repository == *repository),
        };
        let meant: Vec<_> = object.containers().filter(|(_, _, c)| wanted(c)).collect();
        if meant.is_empty() {
            return self.no_container(object, container.as_deref(), repository).map(Plan::Nothing);
        }
        let (mut changes, mut there, mut reasons, mut same) = (Vec::new(), Vec::new(), Vec::new(), true);
        for (list, index, c) in meant {
            let from = c.image.clone();
            let mut change = ImageChange {
                list,
                index,
                name: c.name.clone(),
                to: from.clone(),
                from,
                policy: self.new_policy(c),
            };
            let unproven = |other: &ImageChange| other.is_of_same_container(&change) && other.to == c.image;
            // It was set by a run whose place this one took, and has yet to come up; or it came without the policy,
            // which is there as well when the run ends.
            let again = change.policy.is_some() || context.unproven.iter().any(unproven);
            match self.new_image(&c.image, repository, whole.as_ref(), context) {
                Ok(to) => {
                    change.to = to;
                    changes.push(change);
                }
                Err(Stays { same: true, .. }) if again => changes.push(change),
                Err(stays) => {
                    there.push(change);
                    reasons.push(stays.reason);
                    same &= stays.same;
                }
            }
        }
        if changes.is_empty() {
            reasons.dedup();
            let done = Done::unchanged(reasons.join("; "));
            return Ok(if same { Plan::There(done, there) } else { Plan::Nothing(done) });
        }
        if object.is_paused() {
            return self.targets.paused(workload).map(Plan::Nothing);
        }
        if let Some(held) = &context.held {
            return Ok(Plan::Nothing(Done::held(held)));
        }
        Ok(Plan::Change(changes))
    }

    /// The image that is given as a whole, if one is.
    fn whole_image(&self, context: &Context<'_>) -> Result<Option<Image>, Failure> {
        let render = |template: &Template| {
            let text = template.render(&context.values)?;
            Image::parse(&text).map_err(|error| error.to_string())
        };
        self.image.as_ref().map(render).transpose().map_err(Failure::last)
    }

    /// The pull policy to set, if the container has another.
    fn new_policy(&self, container: &Container) -> Option<PolicyChange> {
        let (wanted, there) = (self.pull_policy.as_ref()?, &container.image_pull_policy);
        (there.as_ref() != Some(wanted))
            .then(|| PolicyChange { from: there.clone(), to: Some(wanted.clone()) })
    }

    /// The image to set in the place of this one, or why it stays.
    fn new_image(
        &self,
        running: &str,
        repository: &Repository,
        whole: Option<&Image>,
        context: &Context<'_>,
    ) -> Result<String, Stays> {
        let stays = |reason: String| Err(Stays { reason, same: false });
        let same = |reason: String| Err(Stays { reason, same: true });
        // A container that is named may pull from elsewhere, such as a mirror: its tag and its spelling count too.
        let parsed = Image::parse(running).ok();
        let tag = context.tag.filter(|tag| !tag.is_empty());
        if let (Some(policy), Some(offered), Some(image)) = (context.policy, tag, &parsed)
            && policy.is_ordered()
        {
            // What is pinned by digest alone has no tag to compare with.
            let no_tag = image.digest.is_none().then_some(DEFAULT_TAG);
            match policy.compare(image.tag.as_deref().or(no_tag), offered) {
                Comparison::Newer => {}
                Comparison::Same => return same(format!("{running} is that version already")),
                Comparison::Older => return stays(format!("{running} is newer than {offered}")),
                Comparison::NotComparable(_) if self.from_any => {}
                Comparison::NotComparable(why) => return stays(why),
            }
        }
        if let Some(whole) = whole {
            let new = whole.to_string();
            return if new == running { same(format!("{running} runs already")) } else { Ok(new) };
        }
        let spelling = parsed.map_or_else(|| repository.to_string(), |image| image.spelling);
        let digest = match context.event {
            Event::Deploy(deploy) => deploy.digest.as_ref(),
            _ => None,
        };
        let tag = tag.map(|tag| format!(":{tag}")).unwrap_or_default();
        let digest = digest.map(|digest| format!("@{digest}")).unwrap_or_default();
        if tag.is_empty() && digest.is_empty() {
            return stays("the event names neither tag nor digest".to_owned());
        }
        let new = format!("{spelling}{tag}{digest}");
        if new == running { same(format!("{running} runs already")) } else { Ok(new) }
    }

    /// A workload that was named must have the container; one that was found need not.
    fn no_container(
        &self,
        object: &Object,
        container: Option<&str>,
        repository: &Repository,
    ) -> Result<Done, Failure> {
        let what = match container {
            Some(name) => format!("it has no container {name}"),
            None => format!("none of its containers runs {repository}"),
        };
        let there: Vec<_> = object.containers().map(|(_, _, c)| labelled(&c.name, &c.image)).collect();
        self.targets.cannot(format!("{what}; there is {}", there.join(", ")))
    }
}

/// What a person should know of a Knative Service whose requests do not go where its newest revision is.
fn pinned(workload: &Workload, object: &Object) -> Option<String> {
    let Workload { namespace, kind, name } = workload;
    (*kind == Kind::Ksvc && !object.follows_latest()).then(|| {
        format!(
            "its traffic is pinned ({}), so that the new revision gets none: use the action traffic, or kn service \
             update {name} -n {namespace} --traffic @latest=100",
            traffic::asked(&object.traffic())
        )
    })
}

/// `web=ghcr.io/acme/web:1`; a Knative Service's only container may have no name.
fn labelled(name: &str, image: &str) -> String {
    if name.is_empty() { image.to_owned() } else { format!("{name}={image}") }
}

#[cfg(test)]
mod recorded;
#[cfg(test)]
mod tests;
