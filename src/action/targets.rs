//! Which workloads an action changes: named, by label, or by the image that they run.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::context::{Api, Context, Failure, Found, Target};
use crate::config::fields::Fields;
use crate::event::Event;
use crate::image::{Image, Repository};
use crate::kubernetes::error::{Asked, Trouble};
use crate::kubernetes::{ApiError, Kind, Object, Selector, Workload};
use crate::rule::Template;
use crate::rule::name::{kubernetes_name, namespace_name};

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
    /// Reads `namespace` or `namespaces`, and one of `workloads`, `selector` and `runningImage`. `refuse` says
    /// why a kind cannot be a target of this action, if it cannot.
    pub(super) fn read(
        fields: &mut Fields<'_>,
        refuse: impl Fn(Kind) -> Option<&'static str>,
    ) -> Option<Self> {
        let namespaces = namespaces(fields);
        let named = fields.strings("workloads").map(|names| workloads(fields, &names, refuse));
        let selector = fields.string("selector").map(|text| {
            Selector::parse(&text).map_err(|why| fields.mistake("selector", why)).ok().map(Choice::Selected)
        });
        let running = match fields.flag("runningImage") {
            Some(true) => Some(Some(Choice::RunningImage)),
            Some(false) => {
                fields.mistake("runningImage", "can only be true: leave it out to name workloads");
                None
            }
            None => None,
        };
        let given = [fields.has("workloads"), fields.has("selector"), fields.has("runningImage")];
        let choice = [named, selector, running].into_iter().flatten().next();
        match given.iter().filter(|given| **given).count() {
            0 => {
                let text = "no targets: give workloads: [deployment/web], selector: \"app=web\" or runningImage: true";
                fields.report().mistake(fields.path(), text);
            }
            1 => {}
            _ => {
                let text = "workloads, selector and runningImage exclude one another: give one of them";
                fields.report().mistake(fields.path(), text);
            }
        }
        Some(Self { namespaces: namespaces?, choice: choice?? })
    }

    /// Whether the workloads are named, so that one without the image is a mistake of the configuration.
    pub(super) fn is_named(&self) -> bool {
        matches!(self.choice, Choice::Named(_))
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

    /// The workloads, looked up: those of these kinds.
    pub(super) async fn find(
        &self,
        api: &Api,
        context: &Context<'_>,
        kinds: &[Kind],
    ) -> Result<Found, Failure> {
        let mut found = Found::default();
        let (mut closed, mut looked) = (Vec::new(), 0);
        for namespace in self.namespaces(context)? {
            for kind in kinds {
                looked += 1;
                match self.list(api, context, *kind, &namespace).await {
                    Ok(names) => {
                        let workload = |name| Workload { namespace: namespace.clone(), kind: *kind, name };
                        found.targets.extend(names.into_iter().map(|name| Target::Workload(workload(name))));
                    }
                    Err(error) if error.is_kind_closed() => {
                        let why = error.to_string();
                        crate::text::once(&why, |why| log::warn!("passed over: {why}"));
                        found.skipped.push((format!("{kind} in {namespace}"), why));
                        closed.push(error);
                    }
                    Err(error) => return Err(error.into()),
                }
            }
        }
        if looked > 0 && closed.len() == looked {
            return Err(Failure::last(nothing_listed(&closed)));
        }
        if found.targets.is_empty() {
            found.skipped.insert(0, self.nothing(context));
        }
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

    async fn list(
        &self,
        api: &Api,
        context: &Context<'_>,
        kind: Kind,
        namespace: &str,
    ) -> Result<Vec<String>, ApiError> {
        let wanted = |object: Object| {
            let runs = !self.is_running_image() || runs_image(&object, context.event);
            // Its controller would undo the change: a Knative Service's Deployments, an operator's StatefulSets.
            (runs && object.controller().is_none()).then_some(object.metadata.name)
        };
        let selector = match &self.choice {
            Choice::Selected(selector) => Some(selector),
            _ => None,
        };
        let names = api.kubernetes.list(kind, namespace, selector, wanted).await?;
        // A name goes into a path; the API's own are valid.
        Ok(names.into_iter().filter(|name| kubernetes_name(name).is_ok()).collect())
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

fn namespaces(fields: &mut Fields<'_>) -> Option<Vec<Template>> {
    let one = fields.string("namespace").map(|namespace| vec![namespace]);
    let several = fields.strings("namespaces");
    let field = if one.is_some() { "namespace" } else { "namespaces" };
    match (fields.has("namespace"), fields.has("namespaces")) {
        (true, true) => fields.mistake("namespaces", "namespace is there too: use one of them"),
        (false, false) => fields.report().mistake(fields.path(), "namespace is missing"),
        _ => {}
    }
    let names = one.or(several)?;
    let read = |text: &String| {
        let template = Template::parse(text)?;
        if template.is_literal() {
            namespace_name(text)?;
        }
        Ok(template)
    };
    let read: Result<Vec<_>, String> = names.iter().map(read).collect();
    read.map_err(|why| fields.mistake(field, why)).ok()
}

fn workloads(
    fields: &Fields<'_>,
    names: &[String],
    refuse: impl Fn(Kind) -> Option<&'static str>,
) -> Option<Choice> {
    let read = |text: &String| {
        let (kind, name) = text.split_once('/').ok_or_else(|| {
            format!("\"{}\" must be TYPE/NAME, such as deployment/web", text.escape_debug())
        })?;
        let kind = Kind::parse(kind)?;
        if let Some(why) = refuse(kind) {
            return Err(format!("{}: {why}", text.escape_debug()));
        }
        let template = Template::parse(name)?;
        if template.is_literal() {
            kubernetes_name(name)?;
        }
        Ok((kind, template))
    };
    let each = names.iter().map(|name| read(name).map_err(|why| fields.mistake("workloads", why)).ok());
    // Every name is read, so that every mistake is told.
    let each: Vec<_> = each.collect();
    each.into_iter().collect::<Option<_>>().map(Choice::Named)
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
