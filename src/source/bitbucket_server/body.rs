//! What a push says, or a mirror that has caught up with one.

use serde::Deserialize;

use crate::event::{Event, GitPushed, GitRef};
use crate::source::{Undecodable, git, json};

/// The event of a push.
pub(super) const PUSH: &str = "repo:refs_changed";
/// The same change, told once more by a mirror that has it now.
pub(super) const MIRROR: &str = "mirror:repo_synchronized";

#[derive(Deserialize)]
struct Body {
    #[serde(rename = "eventKey")]
    event_key: Option<String>,
    changes: Option<Vec<Change>>,
    #[serde(rename = "refLimitExceeded")]
    limit_exceeded: Option<bool>,
    /// The newest commit of a push that moved one reference.
    #[serde(rename = "toCommit")]
    to_commit: Option<Commit>,
    repository: Option<Repository>,
    actor: Option<Actor>,
}

#[derive(Deserialize)]
struct Change {
    #[serde(rename = "ref")]
    reference: Option<Reference>,
    #[serde(rename = "refId")]
    reference_id: Option<String>,
    #[serde(rename = "toHash")]
    to_hash: Option<String>,
    #[serde(rename = "toCommit")]
    to_commit: Option<Commit>,
    #[serde(rename = "type")]
    kind: Option<String>,
}

#[derive(Deserialize)]
struct Reference {
    id: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
}

#[derive(Deserialize)]
struct Commit {
    id: Option<String>,
}

#[derive(Deserialize)]
struct Repository {
    slug: Option<String>,
    project: Option<Project>,
    links: Option<Links>,
}

#[derive(Deserialize)]
struct Project {
    key: Option<String>,
}

#[derive(Deserialize)]
struct Links {
    clone: Option<Vec<Link>>,
}

#[derive(Deserialize)]
struct Link {
    name: Option<String>,
    href: Option<String>,
}

#[derive(Deserialize)]
struct Actor {
    name: Option<String>,
}

/// Reads the events of a body, and who caused them; `header` is the event's name.
pub(super) fn read(body: &[u8], header: &str) -> Result<(Vec<Event>, Option<String>), Undecodable> {
    let body: Body = json::read(body)?;
    if let Some(key) = body.event_key.filter(|key| key != header) {
        let text = format!("eventKey: {}, but X-Event-Key says {header}", git::shown(&key));
        return Err(Undecodable::UnknownShape(text));
    }
    let actor = body.actor.and_then(|actor| actor.name);
    let Some(changes) = body.changes.or_else(|| body.limit_exceeded.map(|_| Vec::new())) else {
        return Err(Undecodable::UnknownShape("changes: missing".into()));
    };
    let repository = json::need(body.repository, "repository")?;
    let (name, urls) = (repository.name()?, repository.urls());
    let only = (changes.len() == 1).then_some(body.to_commit).flatten();
    let mut events = Vec::with_capacity(changes.len());
    for (i, change) in changes.into_iter().enumerate() {
        if let Some((reference, commit)) = change.moved(i, only.as_ref())? {
            let (repository, urls) = (name.clone(), urls.clone());
            events.push(Event::Git(GitPushed { repository, urls, reference, commit }));
        }
    }
    if events.is_empty() {
        let reason = if body.limit_exceeded == Some(true) {
            "the mirror does not name what changed: it was too much at once (refLimitExceeded)"
        } else {
            "no branch or tag was pushed: there are only deleted ones, or none"
        };
        events.push(Event::ignored(reason));
    }
    Ok((events, actor))
}

impl Change {
    /// What moved and its commit; `None` if it was deleted, or is neither a branch nor a tag.
    fn moved(
        self,
        index: usize,
        to_commit: Option<&Commit>,
    ) -> Result<Option<(GitRef, Option<String>)>, Undecodable> {
        let path = |field| format!("changes[{index}].{field}");
        let (id, kind) = self.reference.map_or((None, None), |reference| (reference.id, reference.kind));
        let id = json::need(id.or(self.reference_id), &path("ref.id"))?;
        let to_hash = json::need(self.to_hash, &path("toHash"))?;
        let deleted = match self.kind.as_deref() {
            Some("ADD" | "UPDATE") => git::is_zero(&to_hash),
            Some("DELETE") => true,
            other => {
                let text = format!("{}: {}", path("type"), git::shown(other.unwrap_or("missing")));
                return Err(Undecodable::UnknownShape(text));
            }
        };
        let Ok(reference) = git::moved(&id, deleted) else { return Ok(None) };
        let expected = if matches!(reference, GitRef::Branch(_)) { "BRANCH" } else { "TAG" };
        if let Some(kind) = kind.filter(|kind| kind != expected) {
            let text =
                format!("{}: {}, but its id is {}", path("ref.type"), git::shown(&kind), git::shown(&id));
            return Err(Undecodable::UnknownShape(text));
        }
        // An annotated tag's `toHash` is the tag's own object.
        let commit = self.to_commit.as_ref().or(to_commit).and_then(|commit| commit.id.clone());
        let commit = commit.or_else(|| (expected == "BRANCH").then_some(to_hash));
        Ok(Some((reference, git::commit(commit.as_deref()))))
    }
}

impl Repository {
    /// `PROJ/slug`, or `~USER/slug` for a personal one.
    fn name(&self) -> Result<String, Undecodable> {
        let slug = self.slug.as_deref().filter(|slug| !slug.is_empty());
        let slug = json::need(slug, "repository.slug")?;
        let key = self.project.as_ref().and_then(|project| project.key.as_deref());
        let key = json::need(key.filter(|key| !key.is_empty()), "repository.project.key")?;
        Ok(format!("{key}/{slug}"))
    }

    /// The links as they are, SSH first; old versions send none.
    fn urls(self) -> Vec<String> {
        let links = self.links.and_then(|links| links.clone).unwrap_or_default();
        let find = |name: &str| {
            let link = links.iter().find(|link| link.name.as_deref() == Some(name));
            link.and_then(|link| link.href.clone())
        };
        git::urls([find("ssh"), find("http"), find("https")])
    }
}
