//! Deliveries of a real one's shape, made up for `send --sample`.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::event::GitRef;
use crate::source::draft::{Draft, Sample, SampleEvent};

/// The name of the event that a body must be.
pub(super) fn guess_event(draft: &Draft) -> Option<&'static str> {
    let body = draft.payload()?;
    let has = |field: &str| body.get(field).is_some();
    if has("package") {
        Some("package")
    } else if has("after") {
        Some("push")
    } else if has("ref_type") {
        Some(if has("pusher_type") { "delete" } else { "create" })
    } else {
        None
    }
}

/// A delivery of the kind that is asked for.
pub(super) fn draft(sample: &Sample, now: Timestamp) -> Option<Draft> {
    let now = now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let (event, body) = match sample.event {
        SampleEvent::Git => ("push", push(sample, &now)),
        SampleEvent::Image => ("package", package(sample, &now)),
        SampleEvent::Pipeline | SampleEvent::Deploy | SampleEvent::Ping => return None,
    };
    let mut draft = Draft::json(&body);
    draft.default_header("X-Gitea-Event", event);
    Some(draft)
}

fn push(sample: &Sample, now: &str) -> Value {
    let page = format!("https://gitea.example.com/{}", sample.repository);
    let author = json!({"name": "Octavia", "email": "octavia@example.com", "username": "octavia"});
    let commit = json!({
        "id": sample.commit,
        "message": "Answer the health check before the first request\n",
        "url": format!("{page}/commit/{}", sample.commit),
        "author": author,
        "committer": author,
        "verification": null,
        "timestamp": now,
        "added": [],
        "removed": [],
        "modified": ["src/server.rs"],
    });
    json!({
        "ref": GitRef::Branch(sample.branch.clone()).full(),
        "before": "9c1e".repeat(10),
        "after": sample.commit,
        "compare_url": format!("{page}/compare/{}...{}", "9c1e".repeat(10), sample.commit),
        "commits": [commit],
        "total_commits": 1,
        "head_commit": commit,
        "repository": repository(sample, now),
        "pusher": user("octavia", now),
        "sender": user("octavia", now),
    })
}

fn package(sample: &Sample, now: &str) -> Value {
    let (owner, name) = sample.image.path().split_once('/').unwrap_or(("acme", sample.image.path()));
    let page = format!("https://{}/{owner}/-/packages/container", sample.image.host());
    json!({
        "action": "created",
        "package": {
            "id": 1_204,
            "owner": user(owner, now),
            "repository": repository(sample, now),
            "creator": user("octavia", now),
            "type": "container",
            "name": name,
            "version": sample.tag,
            "html_url": format!("{page}/{}/{}", name.replace('/', "%2F"), sample.tag),
            "created_at": now,
        },
        "organization": {"id": 7, "name": owner, "full_name": "", "username": owner, "visibility": "private"},
        "sender": user("octavia", now),
    })
}

fn repository(sample: &Sample, now: &str) -> Value {
    let (owner, name) = sample.repository.split_once('/').unwrap_or(("acme", &sample.repository));
    let page = format!("https://gitea.example.com/{}", sample.repository);
    json!({
        "id": 61,
        "owner": user(owner, now),
        "name": name,
        "full_name": sample.repository,
        "description": "",
        "empty": false,
        "private": true,
        "fork": false,
        "template": false,
        "parent": null,
        "mirror": false,
        "size": 1764,
        "html_url": page,
        "ssh_url": format!("git@gitea.example.com:{}.git", sample.repository),
        "clone_url": format!("{page}.git"),
        "original_url": "",
        "website": "",
        "stars_count": 0,
        "forks_count": 0,
        "watchers_count": 2,
        "open_issues_count": 0,
        "default_branch": "main",
        "archived": false,
        "created_at": now,
        "updated_at": now,
        "permissions": {"admin": false, "push": true, "pull": true},
    })
}

fn user(login: &str, now: &str) -> Value {
    json!({
        "id": 7,
        "login": login,
        "login_name": "",
        "full_name": "",
        "email": format!("{login}@noreply.gitea.example.com"),
        "avatar_url": format!("https://gitea.example.com/avatars/{login}"),
        "language": "",
        "is_admin": false,
        "last_login": "0001-01-01T00:00:00Z",
        "created": now,
        "visibility": "public",
        "username": login,
    })
}
