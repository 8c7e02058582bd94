//! Deliveries of a real one's shape, made up for `send --sample`.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::EVENT;
use crate::event::GitRef;
use crate::source::draft::{Draft, Sample, SampleEvent};

/// The header's words for the kinds of event, which are those of their bodies.
const EVENTS: [(&str, &str); 3] =
    [("push", "Push Hook"), ("tag_push", "Tag Push Hook"), ("pipeline", "Pipeline Hook")];

/// The name of the event that a body must be; what a system hook alone sends is one.
pub(super) fn guess_event(draft: &Draft) -> Option<&'static str> {
    let body = draft.payload()?;
    let Some(kind) = body.get("object_kind") else {
        return body.get("event_name").map(|_| "System Hook");
    };
    EVENTS.iter().find(|(event, _)| *kind == **event).map(|(_, header)| *header)
}

/// A delivery of the kind that is asked for.
pub(super) fn draft(sample: &Sample, now: Timestamp) -> Option<Draft> {
    let now = now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let body = match sample.event {
        SampleEvent::Git => push(sample, &now),
        SampleEvent::Pipeline => pipeline(sample, &now),
        SampleEvent::Image | SampleEvent::Deploy | SampleEvent::Ping => return None,
    };
    let mut draft = Draft::json(&body);
    if let Some(event) = guess_event(&draft) {
        draft.default_header(EVENT, event);
    }
    Some(draft)
}

fn push(sample: &Sample, now: &str) -> Value {
    let page = format!("https://gitlab.com/{}", sample.repository);
    let ssh = format!("git@gitlab.com:{}.git", sample.repository);
    json!({
        "object_kind": "push",
        "event_name": "push",
        "before": "9c1e".repeat(10),
        "after": sample.commit,
        "ref": GitRef::Branch(sample.branch.clone()).full(),
        "ref_protected": true,
        "checkout_sha": sample.commit,
        "message": null,
        "user_id": 4,
        "user_name": "Octavia",
        "user_username": "octavia",
        "user_email": null,
        "user_avatar": "https://gitlab.com/uploads/-/system/user/avatar/4/avatar.png",
        "project_id": 1_508,
        "project": project(sample),
        "commits": [commit(sample, now)],
        "total_commits_count": 1,
        "push_options": {},
        "repository": {
            "name": "web",
            "url": ssh,
            "description": "",
            "homepage": page,
            "git_http_url": format!("{page}.git"),
            "git_ssh_url": ssh,
            "visibility_level": 0,
        },
    })
}

fn pipeline(sample: &Sample, now: &str) -> Value {
    let page = format!("https://gitlab.com/{}", sample.repository);
    let user = json!({"id": 4, "name": "Octavia", "username": "octavia", "email": "[REDACTED]"});
    let job = |id: u32, stage: &str, name: &str| {
        json!({
            "id": id,
            "stage": stage,
            "name": name,
            "status": "success",
            "created_at": now,
            "started_at": now,
            "finished_at": now,
            "duration": 41.7,
            "queued_duration": 0.3,
            "failure_reason": null,
            "when": "on_success",
            "manual": false,
            "allow_failure": false,
            "user": user,
            "runner": {"id": 12, "description": "shared", "active": true, "is_shared": true, "tags": ["linux"]},
            "artifacts_file": {"filename": null, "size": null},
            "environment": null,
        })
    };
    json!({
        "object_kind": "pipeline",
        "object_attributes": {
            "id": 99_120,
            "iid": 312,
            "name": null,
            "ref": sample.branch,
            "tag": false,
            "sha": sample.commit,
            "before_sha": "9c1e".repeat(10),
            "source": "push",
            "status": "success",
            "detailed_status": "passed",
            "stages": ["build", "image"],
            "created_at": now,
            "finished_at": now,
            "duration": 83,
            "queued_duration": 1,
            "variables": [],
            "url": format!("{page}/-/pipelines/99120"),
        },
        "merge_request": null,
        "user": user,
        "project": project(sample),
        "commit": commit(sample, now),
        "builds": [job(501, "build", "test"), job(502, "image", "image")],
    })
}

fn project(sample: &Sample) -> Value {
    let (namespace, name) = sample.repository.rsplit_once('/').unwrap_or(("acme", &sample.repository));
    let page = format!("https://gitlab.com/{}", sample.repository);
    let ssh = format!("git@gitlab.com:{}.git", sample.repository);
    json!({
        "id": 1_508,
        "name": name,
        "description": "",
        "web_url": page,
        "avatar_url": null,
        "git_ssh_url": ssh,
        "git_http_url": format!("{page}.git"),
        "namespace": namespace,
        "visibility_level": 0,
        "path_with_namespace": sample.repository,
        "default_branch": "main",
        "ci_config_path": null,
        "homepage": page,
        "url": ssh,
        "ssh_url": ssh,
        "http_url": format!("{page}.git"),
    })
}

fn commit(sample: &Sample, now: &str) -> Value {
    json!({
        "id": sample.commit,
        "message": "Answer the health check before the first request\n",
        "title": "Answer the health check before the first request",
        "timestamp": now,
        "url": format!("https://gitlab.com/{}/-/commit/{}", sample.repository, sample.commit),
        "author": {"name": "Octavia", "email": "octavia@example.com"},
        "added": [],
        "modified": ["src/server.rs"],
        "removed": [],
    })
}
