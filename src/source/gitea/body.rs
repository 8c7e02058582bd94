//! The events `push` and `create`: branches and tags.

use serde::Deserialize;

use crate::event::{Event, GitPushed, GitRef};
use crate::source::{Undecodable, git, json};

#[derive(Deserialize)]
struct Push {
    #[serde(rename = "ref")]
    reference: Option<String>,
    after: Option<String>,
    head_commit: Option<Commit>,
    repository: Option<Repository>,
    pusher: Option<User>,
}

#[derive(Deserialize)]
struct Commit {
    id: Option<String>,
}

#[derive(Deserialize)]
struct Create {
    #[serde(rename = "ref")]
    name: Option<String>,
    ref_type: Option<String>,
    repository: Option<Repository>,
    sender: Option<User>,
}

/// A repository, as every event carries it.
#[derive(Deserialize)]
pub(super) struct Repository {
    full_name: Option<String>,
    ssh_url: Option<String>,
    clone_url: Option<String>,
    pub(super) html_url: Option<String>,
}

/// A user or an organisation.
#[derive(Deserialize)]
pub(super) struct User {
    login: Option<String>,
    username: Option<String>,
}

impl User {
    /// The name in URLs.
    pub(super) fn name(self) -> Option<String> {
        self.login.or(self.username).filter(|name| !name.is_empty())
    }
}

impl Repository {
    /// `acme/web`, and where it can be cloned from, SSH first.
    fn name_and_urls(self) -> Result<(String, Vec<String>), Undecodable> {
        let name = json::need(self.full_name.filter(|name| !name.is_empty()), "repository.full_name")?;
        let page = self.html_url.filter(|url| !url.is_empty()).map(|url| format!("{url}.git"));
        Ok((name, git::urls([self.ssh_url, self.clone_url.or(page)])))
    }
}

/// Reads a push and who pushed.
pub(super) fn push(body: &[u8]) -> Result<(Event, Option<String>), Undecodable> {
    let push: Push = json::read(body)?;
    let actor = push.pusher.and_then(User::name);
    let full = json::need(push.reference, "ref")?;
    let after = json::need(push.after, "after")?;
    let repository = json::need(push.repository, "repository")?;
    let reference = match git::moved(&full, git::is_zero(&after)) {
        Ok(reference) => reference,
        Err(reason) => return Ok((Event::ignored(reason), actor)),
    };
    // `after` of an annotated tag is the tag's own object.
    let head = push.head_commit.and_then(|commit| commit.id);
    let commit = head.or_else(|| matches!(reference, GitRef::Branch(_)).then_some(after));
    let (repository, urls) = repository.name_and_urls()?;
    let commit = git::commit(commit.as_deref());
    Ok((Event::Git(GitPushed { repository, urls, reference, commit }), actor))
}

/// Reads the creation of a branch or tag, which counts only where no push tells of it.
pub(super) fn create(body: &[u8], told_by_push: bool) -> Result<(Event, Option<String>), Undecodable> {
    let create: Create = json::read(body)?;
    let name = json::need(create.name.filter(|name| !name.is_empty()), "ref")?;
    let kind = json::need(create.ref_type, "ref_type")?;
    let actor = create.sender.and_then(User::name);
    let event = if kind == "tag" && !told_by_push {
        let (repository, urls) = json::need(create.repository, "repository")?.name_and_urls()?;
        // `sha` of an annotated tag is the tag's own object, so that no commit is known.
        Event::Git(GitPushed { repository, urls, reference: GitRef::Tag(name), commit: None })
    } else {
        Event::ignored(format!(
            "the {} {} was created: the event push says so too",
            git::shown(&kind),
            git::shown(&name)
        ))
    };
    Ok((event, actor))
}
