//! Docker Hub. Its hooks prove nothing: the unguessable path alone authenticates them. The body's
//! `callback_url` is the sender's to choose and no longer answered by Docker, so nobody reads it.

use jiff::Timestamp;
use serde::Deserialize;

use super::draft::SampleEvent;
use super::registry::pushed;
use super::sample::Values;
use super::{
    Decoded, Delivery, Draft, Identity, Receiver, Refusal, Sample, Source, Undecodable, Verified, json,
};
use crate::event::Event;
use crate::key::Key;

/// `source: DockerHub`
pub static SOURCE: Source = Source { name: "DockerHub", configure: |_, _| Box::new(DockerHub) };

#[derive(Debug)]
struct DockerHub;

#[derive(Deserialize)]
struct Body {
    push_data: Option<PushData>,
    repository: Option<Repository>,
}

#[derive(Deserialize)]
struct PushData {
    /// Absent in old hooks.
    tag: Option<String>,
    #[serde(default, deserialize_with = "json::scalar")]
    pusher: Option<String>,
    /// Seconds; an integer, or a float with an exponent.
    #[serde(default, deserialize_with = "json::scalar")]
    pushed_at: Option<String>,
    #[serde(default, deserialize_with = "json::scalar")]
    media_type: Option<String>,
}

#[derive(Deserialize)]
struct Repository {
    /// `acme/web`; official images have the name alone.
    repo_name: Option<String>,
    namespace: Option<String>,
    name: Option<String>,
}

impl Repository {
    fn full_name(self) -> Result<String, Undecodable> {
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        let name = match (given(self.repo_name), given(self.namespace), given(self.name)) {
            (Some(name), _, _) => Some(name),
            (None, Some(namespace), Some(name)) => Some(format!("{namespace}/{name}")),
            _ => None,
        };
        json::need(name, "repository.repo_name").map(|name| format!("docker.io/{name}"))
    }
}

impl Receiver for DockerHub {
    fn proof(&self) -> Option<String> {
        None
    }

    fn verify(&self, _: &[Key], _: &Delivery<'_>, _: Timestamp) -> Result<(), Refusal> {
        Err(Refusal::Missing)
    }

    fn decode(&self, delivery: &Verified<'_>) -> Result<Decoded, Undecodable> {
        let body: Body = json::read(delivery.body())?;
        let name = json::need(body.repository, "repository")?.full_name()?;
        let push = json::need(body.push_data, "push_data")?;
        let identity = if push.pushed_at.is_some() { Identity::Body } else { Identity::BodyWhilePending };
        let event = if push.media_type.is_some_and(|media_type| media_type.contains("helm")) {
            Event::ignored("a Helm chart was pushed, which is no image")
        } else {
            pushed(&name, "repository.repo_name", push.tag.as_deref(), None)?
        };
        Ok(Decoded { events: vec![event], identity, actor: push.pusher })
    }

    fn sign(&self, _: &Key, draft: &mut Draft, _: Timestamp) -> Result<(), String> {
        draft.default_header("Content-Type", "application/json");
        Ok(())
    }

    fn sample(&self, sample: &Sample, now: Timestamp) -> Option<Draft> {
        if sample.event != SampleEvent::Image {
            return None;
        }
        Values::new(sample, now).draft(include_str!("docker_hub/samples/image.json"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::*;
    use super::*;

    fn body(push_data: &serde_json::Value, repository: &serde_json::Value) -> serde_json::Value {
        json!({"callback_url": "http://127.0.0.1/", "push_data": push_data, "repository": repository})
    }

    #[test]
    fn a_genuine_delivery() {
        let hub = receiver(&SOURCE, "{}");
        assert!(hub.proof().is_none());
        let genuine = include_str!("../../tests/data/docker_hub/push.json");
        let decoded = decode(&*hub, &[("Content-Type", "application/json")], genuine).unwrap();
        assert_eq!(decoded.events, [image("docker.io/acme/web", &["3.10"], None)]);
        assert_eq!(decoded.identity, Identity::Body);
        assert_eq!(decoded.actor.as_deref(), Some("acme-ci"));
    }

    #[test]
    fn repositories_in_every_spelling() {
        let hub = receiver(&SOURCE, "{}");
        for (repository, name) in [
            (json!({"repo_name": "busybox", "is_official": false}), "docker.io/library/busybox"),
            (json!({"repo_name": "library/busybox"}), "docker.io/library/busybox"),
            (json!({"namespace": "acme", "name": "web"}), "docker.io/acme/web"),
            (json!({"repo_name": "", "namespace": "acme", "name": "web"}), "docker.io/acme/web"),
            (json!({"repo_name": "my.org/web"}), "docker.io/my.org/web"),
        ] {
            let told = events_of(&*hub, &body(&json!({"tag": "1"}), &repository));
            assert_eq!(told, [image(name, &["1"], None)]);
        }
    }

    #[test]
    fn times_in_both_spellings_tell_pushes_apart() {
        let hub = receiver(&SOURCE, "{}");
        let web = json!({"repo_name": "acme/web"});
        for (push_data, identity) in [
            (json!({"tag": "1", "pushed_at": 1_417_566_161}), Identity::Body),
            (serde_json::from_str(r#"{"tag": "1", "pushed_at": 1.417566161e+09}"#).unwrap(), Identity::Body),
            (json!({"tag": "1"}), Identity::BodyWhilePending),
        ] {
            assert_eq!(decode(&*hub, &[], body(&push_data, &web).to_string()).unwrap().identity, identity);
        }
    }

    #[test]
    fn what_is_no_push_of_an_image() {
        let hub = receiver(&SOURCE, "{}");
        let web = json!({"repo_name": "acme/web"});
        for push_data in [json!({}), json!({"tag": null}), json!({"tag": ""})] {
            let told = ignored_of(&*hub, &body(&push_data, &web));
            assert_eq!(told, "docker.io/acme/web was pushed without a tag");
        }
        let chart = json!({"tag": "1", "media_type": "application/vnd.cncf.helm.config.v1+json"});
        assert!(ignored_of(&*hub, &body(&chart, &web)).contains("Helm"));
        assert_eq!(unknown(&*hub, &json!({})), "repository: missing");
        assert_eq!(unknown(&*hub, &json!({"repository": {}})), "repository.repo_name: missing");
        let odd = unknown(&*hub, &body(&json!({"tag": "1"}), &json!({"repo_name": "a b"})));
        assert!(odd.starts_with("repository.repo_name: "), "{odd}");
        let number = unknown(&*hub, &body(&json!({"tag": 3.1}), &web));
        assert!(number.starts_with("push_data.tag: invalid type"), "{number}");
        assert!(matches!(decode(&*hub, &[], "{\"push_data\""), Err(Undecodable::Malformed(_))));
    }

    #[test]
    fn samples_are_ones_of_its_own() {
        let hub = receiver(&SOURCE, "{}");
        assert_eq!(round_trip(&*hub, SampleEvent::Image).events, [image("acme/web", &["1.2.3"], None)]);
        assert!(sample_of(&*hub, SampleEvent::Git).is_none());
        decoding_never_panics(&*hub);
    }
}
