//! What GitLab's bodies say.

use serde::Deserialize;

use crate::event::{Event, GitPushed, GitRef};
use crate::source::{Undecodable, git, json};

/// The event and who caused it.
pub(super) struct Read {
    pub(super) event: Event,
    pub(super) actor: Option<String>,
}

/// The kind of event, whatever else the body holds: a custom template may hold anything.
#[derive(Deserialize)]
struct Kind {
    object_kind: Option<String>,
    event_name: Option<String>,
}

#[derive(Deserialize)]
struct Push {
    #[serde(rename = "ref")]
    reference: Option<String>,
    after: Option<String>,
    checkout_sha: Option<String>,
    user_username: Option<String>,
    user_name: Option<String>,
    project: Option<Project>,
    repository: Option<OldRepository>,
}

#[derive(Deserialize)]
struct Pipeline {
    object_attributes: Option<Run>,
    merge_request: Option<MergeRequest>,
    user: Option<User>,
    project: Option<Project>,
}

#[derive(Deserialize)]
struct Run {
    #[serde(rename = "ref")]
    reference: Option<String>,
    tag: Option<bool>,
    sha: Option<String>,
    status: Option<String>,
    source: Option<String>,
}

#[derive(Deserialize)]
struct MergeRequest {}

#[derive(Deserialize)]
struct User {
    username: Option<String>,
    name: Option<String>,
}

#[derive(Deserialize)]
struct Project {
    path_with_namespace: Option<String>,
    git_ssh_url: Option<String>,
    git_http_url: Option<String>,
    ssh_url: Option<String>,
    http_url: Option<String>,
}

/// What pushes carried before they had a project.
#[derive(Deserialize)]
struct OldRepository {
    git_ssh_url: Option<String>,
    git_http_url: Option<String>,
    homepage: Option<String>,
}

/// Reads a body; `header` is `X-Gitlab-Event`, which must not contradict it.
pub(super) fn read(body: &[u8], header: Option<&str>) -> Result<Read, Undecodable> {
    let kind: Kind = json::read(body)?;
    let kind = json::need(kind.object_kind.or(kind.event_name), "object_kind")?;
    agree(&kind, header)?;
    match kind.as_str() {
        "push" | "tag_push" => push(json::read(body)?),
        "pipeline" => pipeline(json::read(body)?),
        "repository_update" => Ok(ignored("repository_update repeats what push and tag_push say")),
        other => Ok(ignored(format!("the event {} leads to nothing here", git::shown(other)))),
    }
}

/// A system hook's header names no event.
fn agree(kind: &str, header: Option<&str>) -> Result<(), Undecodable> {
    let expected = match header {
        Some("Push Hook") => "push",
        Some("Tag Push Hook") => "tag_push",
        Some("Pipeline Hook") => "pipeline",
        Some("System Hook") | None => return Ok(()),
        Some(_) if !matches!(kind, "push" | "tag_push" | "pipeline") => return Ok(()),
        Some(_) => "another event",
    };
    if kind == expected {
        return Ok(());
    }
    let (kind, header) = (git::shown(kind), git::shown(header.unwrap_or_default()));
    Err(Undecodable::UnknownShape(format!("object_kind: {kind}, but X-Gitlab-Event says {header}")))
}

fn ignored(reason: impl Into<String>) -> Read {
    Read { event: Event::ignored(reason), actor: None }
}

fn push(push: Push) -> Result<Read, Undecodable> {
    let full = json::need(push.reference, "ref")?;
    let after = json::need(push.after, "after")?;
    // No field says that a reference was deleted.
    let reference = match git::moved(&full, git::is_zero(&after)) {
        Ok(reference) => reference,
        Err(reason) => return Ok(ignored(reason)),
    };
    // `after` of an annotated tag is the tag's own object; `checkout_sha` may be missing.
    let after = matches!(reference, GitRef::Branch(_)).then_some(after);
    let commit = git::commit(push.checkout_sha.or(after).as_deref());
    let (repository, urls) = match (push.project, push.repository) {
        (Some(project), _) => project.name_and_urls()?,
        (None, old) => json::need(old, "project")?.name_and_urls()?,
    };
    let event = Event::Git(GitPushed { repository, urls, reference, commit });
    Ok(Read { event, actor: push.user_username.or(push.user_name) })
}

fn pipeline(pipeline: Pipeline) -> Result<Read, Undecodable> {
    let run = json::need(pipeline.object_attributes, "object_attributes")?;
    let status = json::need(run.status, "object_attributes.status")?;
    if status != "success" {
        return Ok(ignored(format!("the pipeline's status is {}", git::shown(&status))));
    }
    // What a merge request's pipeline ran is not on the branch that it names.
    let source = run.source.as_deref();
    let merge = source == Some("merge_request_event") || source.is_none() && pipeline.merge_request.is_some();
    if merge || source == Some("external_pull_request_event") {
        return Ok(ignored("the pipeline ran for a merge request, not for a branch"));
    }
    if source == Some("parent_pipeline") {
        return Ok(ignored("a child pipeline ended: its parent reports too"));
    }
    let name = json::need(run.reference.filter(|name| !name.is_empty()), "object_attributes.ref")?;
    if name.starts_with("refs/") {
        return Ok(ignored(format!("{} is neither a branch nor a tag", git::shown(&name))));
    }
    let reference = if run.tag == Some(true) { GitRef::Tag(name) } else { GitRef::Branch(name) };
    let (repository, urls) = json::need(pipeline.project, "project")?.name_and_urls()?;
    let commit = git::commit(run.sha.as_deref());
    let event = Event::Pipeline(GitPushed { repository, urls, reference, commit });
    Ok(Read { event, actor: pipeline.user.and_then(|user| user.username.or(user.name)) })
}

impl Project {
    /// `group/subgroup/web`, and where it can be cloned from.
    fn name_and_urls(self) -> Result<(String, Vec<String>), Undecodable> {
        let name = self.path_with_namespace.filter(|name| !name.is_empty());
        let name = json::need(name, "project.path_with_namespace")?;
        let urls = [self.git_ssh_url.or(self.ssh_url), self.git_http_url.or(self.http_url)];
        Ok((name, git::urls(urls)))
    }
}

impl OldRepository {
    fn name_and_urls(self) -> Result<(String, Vec<String>), Undecodable> {
        let path = self.homepage.as_deref().and_then(|page| page.split_once("://")?.1.split_once('/'));
        let name = path.map(|(_, path)| path.to_owned()).filter(|path| !path.is_empty());
        let name = json::need(name, "project.path_with_namespace")?;
        Ok((name, git::urls([self.git_ssh_url, self.git_http_url])))
    }
}
