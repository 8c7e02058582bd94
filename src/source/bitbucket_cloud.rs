//! Bitbucket Cloud.
//!
//! Proof, if the hook has a secret: `X-Hub-Signature: sha256=` + hex HMAC-SHA256 of the body. The header is
//! named as GitHub's SHA-1 one; SHA-1 is never accepted here.
//! <https://support.atlassian.com/bitbucket-cloud/docs/manage-webhooks/>

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::json;

use super::draft::{Draft, Sample, SampleEvent, random_uuid};
use super::signature::{Algorithm, hmac_hex, verify_hmac_header};
use super::{Decoded, Delivery, Receiver, Refusal, Setting, Source, Undecodable, Verified, git, json};
use crate::config::fields::Fields;
use crate::event::{Event, GitPushed, GitRef};
use crate::key::Key;

/// The source's line in the list.
pub(super) static SOURCE: Source = Source { name: "BitbucketCloud", configure };

const EVENT: &str = "X-Event-Key";
const DELIVERY: &str = "X-Request-UUID";
const SIGNATURE: &str = "X-Hub-Signature";
const PUSH: &str = "repo:push";

fn configure(_: &mut Fields<'_>, _: &Setting) -> Box<dyn Receiver> {
    Box::new(BitbucketCloud)
}

#[derive(Debug)]
struct BitbucketCloud;

#[derive(Deserialize)]
struct Body {
    push: Option<Push>,
    repository: Option<Repository>,
    actor: Option<Actor>,
}

#[derive(Deserialize)]
struct Push {
    changes: Option<Vec<Change>>,
}

#[derive(Deserialize)]
struct Change {
    /// `null`: deleted.
    new: Option<New>,
}

#[derive(Deserialize)]
struct New {
    #[serde(rename = "type")]
    kind: Option<String>,
    name: Option<String>,
    target: Option<Target>,
}

#[derive(Deserialize)]
struct Target {
    hash: Option<String>,
}

#[derive(Deserialize)]
struct Repository {
    full_name: Option<String>,
    links: Option<Links>,
}

#[derive(Deserialize)]
struct Links {
    html: Option<Link>,
}

#[derive(Deserialize)]
struct Link {
    href: Option<String>,
}

#[derive(Deserialize)]
struct Actor {
    nickname: Option<String>,
    username: Option<String>,
    display_name: Option<String>,
}

impl Receiver for BitbucketCloud {
    fn proof(&self) -> Option<String> {
        Some(format!("{SIGNATURE}, HMAC-SHA256 of the body"))
    }

    fn verify(&self, keys: &[Key], delivery: &Delivery<'_>, _: Timestamp) -> Result<(), Refusal> {
        verify_hmac_header(Algorithm::Sha256, keys, delivery.header(SIGNATURE), "sha256=", delivery.body)
    }

    fn decode(&self, delivery: &Verified<'_>) -> Result<Decoded, Undecodable> {
        let event = json::need(delivery.header(EVENT), EVENT)?;
        if event != PUSH {
            return json::read::<IgnoredAny>(delivery.body()).map(|_| git::unused(event));
        }
        let body: Body = json::read(delivery.body())?;
        let changes = json::need(body.push.and_then(|push| push.changes), "push.changes")?;
        let repository = json::need(body.repository, "repository")?;
        let name = json::need(repository.full_name.filter(|name| !name.is_empty()), "repository.full_name")?;
        let page = repository.links.and_then(|links| links.html).and_then(|html| html.href);
        let page = page.unwrap_or_else(|| format!("https://bitbucket.org/{name}"));
        // No clone URL is in the payload; the SSH form is the one that flux-recv made.
        let urls = vec![format!("git@bitbucket.org:{name}.git"), format!("{page}.git")];
        let mut events = Vec::with_capacity(changes.len());
        for (i, new) in changes.into_iter().enumerate().filter_map(|(i, change)| Some((i, change.new?))) {
            if let Some((reference, commit)) = new.moved(i)? {
                let (repository, urls) = (name.clone(), urls.clone());
                events.push(Event::Git(GitPushed { repository, urls, reference, commit }));
            }
        }
        if events.is_empty() {
            return Ok(Decoded::ignored("no branch or tag was pushed: there are only deleted ones, or none"));
        }
        let actor = body.actor.and_then(|actor| actor.nickname.or(actor.username).or(actor.display_name));
        Ok(Decoded { events, identity: git::identity(delivery, DELIVERY), actor })
    }

    fn sign(&self, key: &Key, draft: &mut Draft, _: Timestamp) -> Result<(), String> {
        draft.default_header("User-Agent", "Bitbucket-Webhooks/2.0");
        if draft.payload().is_some_and(|body| body.get("push").is_some()) {
            draft.default_header(EVENT, PUSH);
        }
        draft.default_header(DELIVERY, random_uuid());
        draft.default_header("X-Attempt-Number", "1");
        let signature = hmac_hex(Algorithm::Sha256, key.expose(), &draft.body);
        draft.default_header(SIGNATURE, format!("sha256={signature}"));
        Ok(())
    }

    fn sample(&self, sample: &Sample, now: Timestamp) -> Option<Draft> {
        if sample.event != SampleEvent::Git {
            return None;
        }
        let mut draft = Draft::json(&sample_push(sample, &now.to_string()));
        draft.default_header(EVENT, PUSH);
        Some(draft)
    }
}

impl New {
    /// What moved and its commit, which for an annotated tag too is the commit. `None` for what is neither a
    /// branch nor a tag (bookmarks and named branches were Mercurial's).
    fn moved(self, index: usize) -> Result<Option<(GitRef, Option<String>)>, Undecodable> {
        let path = |field| format!("push.changes[{index}].new.{field}");
        let name = json::need(self.name.filter(|name| !name.is_empty()), &path("name"))?;
        let kind = json::need(self.kind, &path("type"))?;
        let reference = match kind.as_str() {
            "branch" => GitRef::Branch(name),
            "tag" | "annotated_tag" => GitRef::Tag(name),
            _ => return Ok(None),
        };
        let commit = git::commit(self.target.and_then(|target| target.hash).as_deref());
        Ok(Some((reference, commit)))
    }
}

/// A push of one commit to a branch.
fn sample_push(sample: &Sample, now: &str) -> serde_json::Value {
    let (owner, name) = sample.repository.split_once('/').unwrap_or(("acme", &sample.repository));
    let (full_name, branch, commit) = (&sample.repository, &sample.branch, &sample.commit);
    let (api, page) = ("https://api.bitbucket.org/2.0", "https://bitbucket.org");
    let links = |api: String, page: String| json!({"self": {"href": api}, "html": {"href": page}});
    let user = json!({
        "type": "user",
        "display_name": "Octavia",
        "nickname": "octavia",
        "uuid": "{3f0d7a46-9d11-4a55-8c64-0cf34b3d6c1e}",
        "account_id": "557058:3f0d7a46-9d11-4a55-8c64-0cf34b3d6c1e",
        "links": links(format!("{api}/users/octavia"), format!("{page}/octavia/")),
    });
    let target = |hash: &str| {
        json!({
            "type": "commit",
            "hash": hash,
            "date": now,
            "author": {"type": "author", "raw": "Octavia <octavia@example.com>", "user": user},
            "message": "Answer the health check before the first request\n",
            "summary": {
                "type": "rendered",
                "raw": "Answer the health check before the first request\n",
                "markup": "markdown",
                "html": "<p>Answer the health check before the first request</p>",
            },
            "parents": [],
            "links": links(
                format!("{api}/repositories/{full_name}/commit/{hash}"),
                format!("{page}/{full_name}/commits/{hash}"),
            ),
        })
    };
    let head = |hash: &str| {
        json!({
            "type": "branch",
            "name": branch,
            "target": target(hash),
            "merge_strategies": ["merge_commit", "squash", "fast_forward"],
            "default_merge_strategy": "merge_commit",
            "links": links(
                format!("{api}/repositories/{full_name}/refs/branches/{branch}"),
                format!("{page}/{full_name}/branch/{branch}"),
            ),
        })
    };
    json!({
        "push": {"changes": [{
            "old": head(&"9c1e".repeat(10)),
            "new": head(commit),
            "created": false,
            "closed": false,
            "forced": false,
            "truncated": false,
            "commits": [target(commit)],
            "links": links(
                format!("{api}/repositories/{full_name}/commits?include={commit}"),
                format!("{page}/{full_name}/branches/compare/{commit}"),
            ),
        }]},
        "repository": {
            "type": "repository",
            "full_name": full_name,
            "name": name,
            "scm": "git",
            "website": null,
            "is_private": true,
            "uuid": "{9d1c63f5-2c7e-4f44-bb8c-40a8c0f2b0de}",
            "links": links(format!("{api}/repositories/{full_name}"), format!("{page}/{full_name}")),
            "owner": {"type": "team", "display_name": owner, "username": owner},
        },
        "actor": user,
    })
}

#[cfg(test)]
mod tests;
