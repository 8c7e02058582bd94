//! The event `push`: branches and tags.

use serde::Deserialize;

use super::{Repository, User, login};
use crate::event::{Event, GitPushed, GitRef};
use crate::source::{Undecodable, git, json};

#[derive(Deserialize)]
struct Push {
    #[serde(rename = "ref")]
    reference: Option<String>,
    after: Option<String>,
    deleted: Option<bool>,
    head_commit: Option<Commit>,
    repository: Option<Repository>,
    pusher: Option<Pusher>,
    sender: Option<User>,
}

#[derive(Deserialize)]
struct Commit {
    id: Option<String>,
}

#[derive(Deserialize)]
struct Pusher {
    name: Option<String>,
}

/// Reads the event and who pushed.
pub(super) fn read(body: &[u8]) -> Result<(Event, Option<String>), Undecodable> {
    let push: Push = json::read(body)?;
    let actor = push.pusher.and_then(|pusher| pusher.name).or(login(push.sender));
    let full = json::need(push.reference, "ref")?;
    let after = json::need(push.after, "after")?;
    let repository = json::need(push.repository, "repository")?;
    let reference = match git::moved(&full, push.deleted == Some(true) || git::is_zero(&after)) {
        Ok(reference) => reference,
        Err(reason) => return Ok((Event::ignored(reason), actor)),
    };
    // `after` of an annotated tag is the tag's own object.
    let head = push.head_commit.and_then(|commit| commit.id);
    let commit = head.or_else(|| matches!(reference, GitRef::Branch(_)).then_some(after));
    let pushed = GitPushed {
        repository: repository.name()?,
        commit: git::commit(commit.as_deref()),
        reference,
        urls: repository.urls(),
    };
    Ok((Event::Git(pushed), actor))
}
