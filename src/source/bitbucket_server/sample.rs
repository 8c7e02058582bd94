//! Deliveries of a real one's shape, made up for `send --sample`.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{EVENT, PING, body};
use crate::event::GitRef;
use crate::source::draft::{Draft, Sample, SampleEvent};

/// The name of the event that a body must be.
pub(super) fn guess_event(draft: &Draft) -> Option<String> {
    let body = draft.payload()?;
    if body.get("test").is_some() {
        return Some(PING.to_owned());
    }
    body.get("eventKey").and_then(Value::as_str).map(str::to_owned)
}

/// A delivery of the kind that is asked for.
pub(super) fn draft(sample: &Sample, now: Timestamp) -> Option<Draft> {
    let (event, body) = match sample.event {
        SampleEvent::Git => (body::PUSH, push(sample, now)),
        SampleEvent::Ping => (PING, json!({"test": true})),
        SampleEvent::Image | SampleEvent::Pipeline | SampleEvent::Deploy => return None,
    };
    let mut draft = Draft::json(&body);
    draft.default_header(EVENT, event);
    Some(draft)
}

fn push(sample: &Sample, now: Timestamp) -> Value {
    let (project, slug) = sample.repository.split_once('/').unwrap_or(("ACME", &sample.repository));
    let host = "bitbucket.example.com";
    let path = sample.repository.to_lowercase();
    let reference = GitRef::Branch(sample.branch.clone()).full();
    let date = now.strftime("%Y-%m-%dT%H:%M:%S+0000").to_string();
    let person = json!({"name": "octavia", "emailAddress": "octavia@example.com"});
    let commit = json!({
        "id": sample.commit,
        "displayId": sample.commit.get(..11),
        "author": person,
        "authorTimestamp": now.as_millisecond(),
        "committer": person,
        "committerTimestamp": now.as_millisecond(),
        "message": "Answer the health check before the first request",
        "parents": [{"id": "9c1e".repeat(10), "displayId": "9c1e9c1e9c1"}],
    });
    json!({
        "eventKey": body::PUSH,
        "date": date,
        "actor": {
            "name": "octavia",
            "emailAddress": "octavia@example.com",
            "active": true,
            "displayName": "Octavia",
            "id": 573,
            "slug": "octavia",
            "type": "NORMAL",
            "links": {"self": [{"href": format!("https://{host}/users/octavia")}]},
        },
        "repository": {
            "slug": slug,
            "id": 454,
            "name": slug,
            "hierarchyId": "e3c939f9ef4a7fae272e",
            "scmId": "git",
            "state": "AVAILABLE",
            "statusMessage": "Available",
            "forkable": true,
            "project": {
                "key": project,
                "id": 116,
                "name": project,
                "public": false,
                "type": "NORMAL",
                "links": {"self": [{"href": format!("https://{host}/projects/{project}")}]},
            },
            "public": false,
            "archived": false,
            "links": {
                "clone": [
                    {"href": format!("https://{host}/scm/{path}.git"), "name": "http"},
                    {"href": format!("ssh://git@{host}:7999/{path}.git"), "name": "ssh"},
                ],
                "self": [{"href": format!("https://{host}/projects/{project}/repos/{slug}/browse")}],
            },
        },
        "changes": [{
            "ref": {"id": reference, "displayId": sample.branch, "type": "BRANCH"},
            "refId": reference,
            "fromHash": "9c1e".repeat(10),
            "toHash": sample.commit,
            "type": "UPDATE",
        }],
        "commits": [commit],
        "toCommit": commit,
    })
}
