//! Bitbucket Cloud.
//!
//! Proof, if the hook has a secret: `X-Hub-Signature: sha256=` + hex HMAC-SHA256 of the body. The header is
//! named as GitHub's SHA-1 one; SHA-1 is never accepted here.
//! <https://support.atlassian.com/bitbucket-cloud/docs/manage-webhooks/>

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::draft::{Draft, Sample, SampleEvent, random_uuid};
use super::json_list::list;
use super::sample::Values;
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
    #[serde(default, deserialize_with = "list")]
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
        let mut draft = sample_push(sample, now)?;
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
fn sample_push(sample: &Sample, now: Timestamp) -> Option<Draft> {
    let mut values = Values::new(sample, now);
    values.part(">user", include_str!("bitbucket_cloud/samples/user.json"), &[])?;
    for (head, hash) in [(">old", "{{before}}"), (">new", "{{commit}}")] {
        values.part(">commit", include_str!("bitbucket_cloud/samples/commit.json"), &[("hash", hash)])?;
        values.part(head, include_str!("bitbucket_cloud/samples/branch.json"), &[])?;
    }
    values.draft(include_str!("bitbucket_cloud/samples/git.json"))
}

#[cfg(test)]
mod tests;
