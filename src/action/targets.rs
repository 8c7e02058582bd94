//! Which workloads an action changes: named, by label, or by the image that they run.

mod read;
mod rights;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

pub(super) use self::read::{each, workload};
use super::context::{Api, Context, Done, Failure, Found, Target};
use crate::event::Event;
use crate::image::{Image, Repository};
use crate::kubernetes::error::{Asked, Trouble};
use crate::kubernetes::{ApiError, Kind, Object, Selector, Workload};
use crate::rule::Template;
use crate::rule::name::namespace_name;

/// The workloads of an action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Targets {
    namespaces: Vec<Template>,
    choice: Choice,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Choice {
    /// `workloads: [deployment/web]`
    Named(Vec<(Kind, Template)>),
    /// `selector: "app=web"`
    Selected(Selector),
    /// `runningImage: true`
    RunningImage,
}

impl Targets {
    /// Whether the workloads are named, so that one without the image is a mistake of the configuration.
    pub(super) fn is_named(&self) -> bool {
        matches!(self.choice, Choice::Named(_))
    }

    /// How it ends for a workload that cannot be changed: a failure where it is named, while of those that were found
    /// the others go on.
    pub(super) fn cannot(&self, reason: String) -> Result<Done, Failure> {
        if self.is_named() { Err(Failure::last(reason)) } else { Ok(Done::skipped(reason)) }
    }

    /// How it ends for a workload that is paused.
    pub(super) fn paused(&self, workload: &Workload) -> Result<Done, Failure> {
        let (name, namespace) = (&workload.name, &workload.namespace);
        let way_out = match workload.kind {
            Kind::Rollout => format!("kubectl argo rollouts promote {name} -n {namespace}"),
            _ => format!("kubectl rollout resume {workload} -n {namespace}"),
        };
        let reason = format!("it is paused, so nothing would roll out: {way_out}");
        self.cannot(reason)
    }

    /// Whether the image that runs is what makes a workload a target.
    pub(super) fn is_running_image(&self) -> bool {
        matches!(self.choice, Choice::RunningImage)
    }

    /// The workloads, if they are named; an error if a name is not valid once it is filled in.
    pub(super) fn named(&self, context: &Context<'_>) -> Option<Result<Vec<Target>, Failure>> {
        let Choice::Named(workloads) = &self.choice else { return None };
        let all = self.namespaces.iter().flat_map(|namespace| workloads.iter().map(move |w| (namespace, w)));
        let target = |(namespace, (kind, name)): (&Template, &(Kind, Template))| {
            let namespace = namespace.render(&context.values)?;
            Ok(Target::Workload(Workload::new(&namespace, *kind, &name.render(&context.values)?)?))
        };
        Some(all.map(target).collect::<Result<_, String>>().map_err(Failure::last))
    }

    /// The workloads, if they are named without a variable.
    pub(super) fn literal(&self) -> Option<Vec<Workload>> {
        let Choice::Named(workloads) = &self.choice else { return None };
        let all = self.namespaces.iter().flat_map(|namespace| workloads.iter().map(move |w| (namespace, w)));
        let workload = |(namespace, (kind, name)): (&Template, &(Kind, Template))| {
            // A text without a variable is what it was written as: no valid name has a `$`.
            let literal = namespace.is_literal() && name.is_literal();
            literal.then(|| Workload::new(namespace.source(), *kind, name.source()).ok())?
        };
        all.map(workload).collect()
    }

    /// The workloads, looked up: those of these kinds.
    pub(super) async fn find(
        &self,
        api: &Api,
        context: &Context<'_>,
        kinds: &[Kind],
    ) -> Result<Found, Failure> {
        let mut found = Found::default();
        let (mut closed, mut passed_over, mut looked) = (Vec::new(), Vec::new(), 0);
        for namespace in self.namespaces(context)? {
            for kind in kinds {
                looked += 1;
                match self.list(api, context, *kind, &namespace).await {
                    Ok(listed) => {
                        found.targets.extend(listed.targets);
                        found.skipped.extend(listed.skipped);
                    }
                    Err(error) if error.is_kind_closed() => {
                        let why = error.to_string();
                        crate::text::once(&why, |why| log::warn!("passed over: {why}"));
                        passed_over.push((format!("{kind} in {namespace}"), why));
                        closed.push(error);
                    }
                    Err(error) => return Err(error.into()),
                }
            }
        }
        if looked > 0 && closed.len() == looked {
            return Err(Failure::last(nothing_listed(&closed)));
        }
        if found.targets.is_empty() && found.skipped.is_empty() {
            found.skipped.push(self.nothing(context));
        }
        found.skipped.extend(passed_over);
        Ok(found)
    }

    /// The namespaces, filled in, each once.
    fn namespaces(&self, context: &Context<'_>) -> Result<Vec<String>, Failure> {
        let mut names: Vec<String> = Vec::new();
        for namespace in &self.namespaces {
            let name = namespace.render(&context.values).map_err(Failure::last)?;
            namespace_name(&name).map_err(Failure::last)?;
            if !names.contains(&name) {
                names.push(name);
            }
        }
        Ok(names)
    }

    /// The workloads of one kind in one namespace. Those that something else controls are passed over: it would
    /// undo the change, as a Knative Service does in its Deployments and an operator in its objects.
    async fn list(
        &self,
        api: &Api,
        context: &Context<'_>,
        kind: Kind,
        namespace: &str,
    ) -> Result<Found, ApiError> {
        let wanted = |object: Object| {
            let runs = !self.is_running_image() || runs_image(&object, context.event);
            runs.then(|| (object.controller(), object.metadata.name))
        };
        let selector = match &self.choice {
            Choice::Selected(selector) => Some(selector),
            _ => None,
        };
        let mut found = Found::default();
        for (controller, name) in api.kubernetes.list(kind, namespace, selector, wanted).await? {
            // A name goes into a path; the API's own are valid.
            let Ok(workload) = Workload::new(namespace, kind, &name) else { continue };
            match controller {
                None => found.targets.push(Target::Workload(workload)),
                Some(controller) => {
                    let why = format!("left to {controller}, which controls it");
                    found.skipped.push((workload.to_string(), why));
                }
            }
        }
        Ok(found)
    }

    fn nothing(&self, context: &Context<'_>) -> (String, String) {
        let namespaces: Vec<_> = self.namespaces.iter().map(Template::source).collect();
        let what = match &self.choice {
            Choice::Selected(selector) => format!("no workload has the labels {selector}"),
            _ => image_of(context.event).map_or_else(
                || format!("a {} event has no image that a workload could run", context.event.kind()),
                |image| format!("no workload runs {image}"),
            ),
        };
        (namespaces.join(", "), what)
    }
}

/// Why not one list could be had: the Role rules that are missing, else what else was said.
fn nothing_listed(closed: &[ApiError]) -> String {
    let mut rules: BTreeMap<&str, Vec<&Asked>> = BTreeMap::new();
    for error in closed.iter().filter(|error| matches!(error.trouble, Trouble::Forbidden(_))) {
        rules.entry(&error.asked.namespace).or_default().push(&error.asked);
    }
    if rules.is_empty() {
        let why = closed.first().map(ToString::to_string).unwrap_or_default();
        return format!("nothing could be listed: {why}");
    }
    let rules: Vec<_> = rules.values().map(|asked| Asked::rule_for(asked)).collect();
    format!("nothing could be listed: not allowed; allow it with {}", rules.join(", and "))
}

/// The image repository that an event is about.
pub(super) fn image_of(event: &Event) -> Option<&Repository> {
    match event {
        Event::Image(image) => Some(&image.repository),
        Event::Deploy(deploy) => Some(&deploy.image),
        Event::Git(_) | Event::Pipeline(_) | Event::Ping | Event::Ignored { .. } => None,
    }
}

fn runs_image(object: &Object, event: &Event) -> bool {
    let Some(wanted) = image_of(event) else { return false };
    object.containers().any(|(_, _, c)| Image::parse(&c.image).is_ok_and(|image| image.repository == *wanted))
}

/// `deployment/web, statefulset/queue in default`
impl fmt::Display for Targets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.choice {
            Choice::Named(workloads) => {
                let names: Vec<_> = workloads.iter().map(|(kind, name)| format!("{kind}/{name}")).collect();
                f.write_str(&names.join(", "))?;
            }
            Choice::Selected(selector) => write!(f, "every workload with {selector}")?,
            Choice::RunningImage => f.write_str("every workload that runs the image")?,
        }
        let namespaces: Vec<_> = self.namespaces.iter().map(Template::source).collect();
        write!(f, " in {}", namespaces.join(", "))
    }
}

#[cfg(test)]
mod tests;
