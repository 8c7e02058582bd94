//! The event `workflow_run`: a run of GitHub Actions that succeeded.

use serde::Deserialize;

use super::{Repository, User, login};
use crate::event::{Event, GitPushed, GitRef};
use crate::source::{Undecodable, git, json};

#[derive(Deserialize)]
struct Body {
    action: Option<String>,
    workflow_run: Option<Run>,
    repository: Option<Repository>,
    sender: Option<User>,
}

#[derive(Deserialize)]
struct Run {
    conclusion: Option<String>,
    event: Option<String>,
    head_branch: Option<String>,
    head_sha: Option<String>,
    head_repository: Option<Repository>,
}

/// Reads the event and who caused it.
pub(super) fn read(body: &[u8]) -> Result<(Event, Option<String>), Undecodable> {
    let body: Body = json::read(body)?;
    let action = json::need(body.action, "action")?;
    let run = json::need(body.workflow_run, "workflow_run")?;
    let repository = json::need(body.repository, "repository")?;
    let name = repository.name()?;
    let actor = login(body.sender);
    if let Some(reason) = useless(&action, &run, &name) {
        return Ok((Event::ignored(reason), actor));
    }
    let head = json::need(run.head_branch.filter(|head| !head.is_empty()), "workflow_run.head_branch")?;
    // The payload never says that the head is a tag; a release's always is.
    let reference =
        if run.event.as_deref() == Some("release") { GitRef::Tag(head) } else { GitRef::Branch(head) };
    let commit = git::commit(run.head_sha.as_deref());
    Ok((Event::Pipeline(GitPushed { repository: name, urls: repository.urls(), reference, commit }), actor))
}

/// Why nothing comes of a run.
fn useless(action: &str, run: &Run, repository: &str) -> Option<String> {
    // `conclusion` may be set before the run is complete.
    if action != "completed" {
        return Some(format!("workflow_run {} is not completed yet", git::shown(action)));
    }
    match run.conclusion.as_deref() {
        Some("success") => {}
        other => {
            return Some(format!("the workflow run ended as {}", git::shown(other.unwrap_or("nothing"))));
        }
    }
    // The head branch of a pull request is not what ran: that was its merge, or somebody else's code.
    if let Some(event) = run.event.as_deref().filter(|event| event.starts_with("pull_request")) {
        return Some(format!("the workflow ran for a {}, not for a branch", git::shown(event)));
    }
    // A fork's `main` must not pass for the repository's own.
    let head = run.head_repository.as_ref().and_then(|head| head.full_name.as_deref());
    match head {
        Some(head) if head.eq_ignore_ascii_case(repository) => None,
        Some(head) => Some(format!("the workflow ran for the fork {}", git::shown(head))),
        None => Some("the workflow ran for a repository that the delivery does not name".into()),
    }
}
