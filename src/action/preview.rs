//! What `explain` shows: the requests that an action would send, made by the same functions, and not sent.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use super::context::{Api, Context, Done, Failure, Found, Target};
use super::{Action, flux_notify, reconcile, restart};
use crate::flux::FluxAccess;
use crate::kubernetes::{Access, PatchRequest, Workload, patch};
use crate::run::outcome::Outcome;

/// What previews are made with.
#[derive(Debug)]
pub struct Outlook<'a> {
    /// Where requests to Kubernetes would go.
    pub kubernetes: &'a Access,
    /// Where requests to Flux v1 would go.
    pub flux: &'a FluxAccess,
    /// The APIs, if they may be asked. Nothing is changed there.
    pub live: Option<&'a Api>,
}

impl Outlook<'_> {
    /// The beginning of every URL of Kubernetes.
    pub(super) fn base(&self) -> &str {
        self.live.map_or_else(|| self.kubernetes.base(), |api| api.kubernetes.base())
    }

    /// A patch of a workload that cannot be known without looking at it.
    pub(super) fn needs_live(&self, action: &'static str, workload: &Workload) -> Would {
        let url = format!("{}{}", self.base(), patch::path(workload, self.field_manager()));
        Would::Send(Preview::needs_live(action, Some(url)))
    }

    /// Who the API would show as the author of a change.
    pub(super) fn field_manager(&self) -> &str {
        &self.kubernetes.field_manager
    }
}

/// What an action would do.
#[derive(Debug, Default)]
pub struct Previewed {
    /// What it would send.
    pub requests: Vec<Preview>,
    /// What it would not change, and why.
    pub notes: Vec<Note>,
}

/// Something that an action would not change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Note {
    /// The action's name.
    pub action: &'static str,
    /// `default/deployment/web`; absent if the targets could not be found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// How it would end.
    pub outcome: Outcome,
    /// One sentence for a person.
    pub why: String,
}

/// What an action would do to one target.
pub(super) enum Would {
    Send(Preview),
    End(Done),
}

/// A request that would change something; its JSON is part of the contract of `explain --json`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Preview {
    /// The action that it belongs to, for a person.
    #[serde(skip)]
    action: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Value>,
    /// `live`: the request depends on what the cluster has.
    #[serde(skip_serializing_if = "Option::is_none")]
    needs: Option<&'static str>,
}

impl Previewed {
    fn tell(&mut self, action: &Action, target: Option<String>, would: Result<Would, Failure>) {
        match would {
            Ok(Would::Send(request)) => self.requests.push(request),
            Ok(Would::End(Done { outcome, reason: why })) => {
                self.notes.push(Note { action: action.name(), target, outcome, why });
            }
            Err(failure) => self.notes.push(Note::failed(action, target, failure)),
        }
    }
}

impl Action {
    /// What it would do, without doing it. Without an API, what must be looked up is said to need that.
    pub async fn preview(&self, outlook: &Outlook<'_>, context: &Context<'_>) -> Previewed {
        let mut previewed = Previewed::default();
        if let Self::Apply(action) = self {
            match action.preview(outlook, context).await {
                Ok(requests) => previewed.requests = requests,
                Err(failure) => previewed.notes.push(Note::failed(self, None, failure)),
            }
            return previewed;
        }
        let found = match (self.named(context), outlook.live) {
            (Some(named), _) => named.map(Found::these),
            (None, Some(api)) => self.find(api, context).await,
            (None, None) => {
                previewed.tell(self, None, self.preview_offline(outlook, context));
                return previewed;
            }
        };
        let Found { targets, skipped } = match found {
            Ok(found) => found,
            Err(failure) => {
                previewed.notes.push(Note::failed(self, None, failure));
                return previewed;
            }
        };
        let note =
            |(what, why)| Note { action: self.name(), target: Some(what), outcome: Outcome::Skipped, why };
        previewed.notes.extend(skipped.into_iter().map(note));
        for target in targets {
            let would = self.preview_target(outlook, &target, context).await;
            previewed.tell(self, Some(target.full_name()), would);
        }
        previewed
    }

    /// What is known of a target that must be looked up.
    fn preview_offline(&self, outlook: &Outlook<'_>, context: &Context<'_>) -> Result<Would, Failure> {
        match self {
            Self::Patch(action) => action.preview_offline(outlook, context),
            _ => Ok(Would::Send(Preview::needs_live(self.name(), None))),
        }
    }

    async fn preview_target(
        &self,
        outlook: &Outlook<'_>,
        target: &Target,
        context: &Context<'_>,
    ) -> Result<Would, Failure> {
        match (self, target) {
            (Self::Restart(action), Target::Workload(workload)) => {
                restart::preview(&action.targets, outlook, workload, context).await
            }
            (Self::SetImage(action), Target::Workload(workload)) => {
                action.preview(outlook, workload, context).await
            }
            (Self::Traffic(action), Target::Workload(workload)) => {
                action.preview(outlook, workload, context).await
            }
            (Self::FluxNotify(_), Target::Flux) => flux_notify::preview(outlook, context),
            (Self::Reconcile(_), Target::Object(object)) => {
                Ok(Would::Send(reconcile::preview(outlook, object, context)))
            }
            (Self::Patch(action), Target::Workload(_) | Target::Object(_)) => {
                action.preview(outlook, target, context).await
            }
            (Self::Check(action), Target::Url(_)) => action.preview(context),
            (Self::Confirm(action), Target::Confirmation) => Ok(Would::End(action.outlook(context.event))),
            _ => Err(self.not_for(target)),
        }
    }
}

impl Note {
    fn failed(action: &Action, target: Option<String>, failure: Failure) -> Self {
        Self { action: action.name(), target, outcome: Outcome::Failed, why: failure.reason }
    }
}

impl Preview {
    pub(super) fn patch(action: &'static str, base: &str, patch: PatchRequest) -> Self {
        Self {
            action,
            method: Some("PATCH"),
            url: Some(format!("{base}{}", patch.path)),
            content_type: Some(patch.content_type),
            body: Some(patch.body),
            needs: None,
        }
    }

    /// A server-side apply. A path that is guessed is not shown: it needs the cluster.
    pub(super) fn apply(base: &str, patch: PatchRequest, is_known: bool) -> Self {
        let preview = Self::patch("apply", base, patch);
        if is_known {
            return preview;
        }
        Self { url: None, needs: Some("live"), ..preview }
    }

    pub(super) fn post(action: &'static str, url: String, body: Value) -> Self {
        Self {
            action,
            method: Some("POST"),
            url: Some(url),
            content_type: Some("application/json"),
            body: Some(body),
            needs: None,
        }
    }

    pub(super) fn get(action: &'static str, url: String) -> Self {
        Self { action, method: Some("GET"), url: Some(url), content_type: None, body: None, needs: None }
    }

    /// A request that cannot be known without the cluster; its URL perhaps can.
    pub(super) fn needs_live(action: &'static str, url: Option<String>) -> Self {
        let method = url.is_some().then_some("PATCH");
        Self { action, method, url, content_type: None, body: None, needs: Some("live") }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target = self.target.as_deref().unwrap_or("its targets");
        write!(f, "{} {target}: {}: {}", self.action, self.outcome, self.why)
    }
}

impl fmt::Display for Preview {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.action)?;
        match (&self.method, &self.url) {
            (Some(method), Some(url)) => write!(f, "{method} {url}")?,
            (Some(method), None) => write!(f, "{method} of a kind that must be looked up")?,
            _ => f.write_str("targets that must be looked up")?,
        }
        if let Some(content_type) = self.content_type {
            write!(f, "\n              {content_type}")?;
        }
        if let Some(body) = &self.body {
            write!(f, "\n              {body}")?;
        }
        if self.needs.is_some() {
            f.write_str(" (use --live to look in the cluster)")?;
        }
        Ok(())
    }
}
