//! Deliveries of a real one's shape and size, made up for `send --sample`.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::EVENT;
use crate::event::GitRef;
use crate::source::draft::{Draft, Sample, SampleEvent};

/// What GitHub puts behind a repository's API address, and under which name with `_url`.
const REPOSITORY_URLS: &[(&str, &str)] = &[
    ("forks", "/forks"),
    ("keys", "/keys{/key_id}"),
    ("collaborators", "/collaborators{/collaborator}"),
    ("teams", "/teams"),
    ("hooks", "/hooks"),
    ("issue_events", "/issues/events{/number}"),
    ("events", "/events"),
    ("assignees", "/assignees{/user}"),
    ("branches", "/branches{/branch}"),
    ("tags", "/tags"),
    ("blobs", "/git/blobs{/sha}"),
    ("git_tags", "/git/tags{/sha}"),
    ("git_refs", "/git/refs{/sha}"),
    ("trees", "/git/trees{/sha}"),
    ("statuses", "/statuses/{sha}"),
    ("languages", "/languages"),
    ("stargazers", "/stargazers"),
    ("contributors", "/contributors"),
    ("subscribers", "/subscribers"),
    ("subscription", "/subscription"),
    ("commits", "/commits{/sha}"),
    ("git_commits", "/git/commits{/sha}"),
    ("comments", "/comments{/number}"),
    ("issue_comment", "/issues/comments{/number}"),
    ("contents", "/contents/{+path}"),
    ("compare", "/compare/{base}...{head}"),
    ("merges", "/merges"),
    ("archive", "/{archive_format}{/ref}"),
    ("downloads", "/downloads"),
    ("issues", "/issues{/number}"),
    ("pulls", "/pulls{/number}"),
    ("milestones", "/milestones{/number}"),
    ("notifications", "/notifications{?since,all,participating}"),
    ("labels", "/labels{/name}"),
    ("releases", "/releases{/id}"),
    ("deployments", "/deployments"),
];

/// The same for users and organisations.
const USER_URLS: &[(&str, &str)] = &[
    ("followers", "/followers"),
    ("following", "/following{/other_user}"),
    ("gists", "/gists{/gist_id}"),
    ("starred", "/starred{/owner}{/repo}"),
    ("subscriptions", "/subscriptions"),
    ("organizations", "/orgs"),
    ("repos", "/repos"),
    ("events", "/events{/privacy}"),
    ("received_events", "/received_events"),
];

/// The name of the event that a body must be.
pub(super) fn guess_event(draft: &Draft) -> Option<&'static str> {
    const MARKS: [(&str, &str); 5] = [
        ("registry_package", "registry_package"),
        ("package", "package"),
        ("workflow_run", "workflow_run"),
        ("zen", "ping"),
        ("after", "push"),
    ];
    let body = draft.payload()?;
    MARKS.iter().find(|(field, _)| body.get(field).is_some()).map(|(_, event)| *event)
}

/// A delivery of the kind that is asked for.
pub(super) fn draft(sample: &Sample, now: Timestamp) -> Option<Draft> {
    let now = now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let (event, mut body) = match sample.event {
        SampleEvent::Image => ("package", package(sample, &now)),
        SampleEvent::Git => ("push", push(sample, &now)),
        SampleEvent::Pipeline => ("workflow_run", workflow_run(sample, &now)),
        SampleEvent::Ping => ("ping", ping(&now)),
        SampleEvent::Deploy => return None,
    };
    if let Some(body) = body.as_object_mut() {
        body.insert("repository".into(), repository(&sample.repository, &now));
        body.insert("sender".into(), user("octavia", "User"));
    }
    let mut draft = Draft::json(&body);
    draft.default_header(EVENT, event);
    Some(draft)
}

fn package(sample: &Sample, now: &str) -> Value {
    let (owner, name) = sample.image.path().split_once('/').unwrap_or(("acme", sample.image.path()));
    let (image, tag, digest) = (&sample.image, &sample.tag, sample.digest.as_str());
    let page = format!("https://github.com/orgs/{owner}/packages/container/{name}");
    json!({
        "action": "published",
        "package": {
            "id": 2_416_775,
            "name": name,
            "namespace": owner,
            "description": "",
            "ecosystem": "CONTAINER",
            "package_type": "CONTAINER",
            "html_url": page,
            "created_at": now,
            "updated_at": now,
            "owner": user(owner, "Organization"),
            "package_version": {
                "id": 33_212_601,
                "version": digest,
                "name": digest,
                "description": "",
                "summary": "",
                "manifest": "",
                "html_url": format!("{page}/33212601"),
                "target_commitish": sample.branch,
                "target_oid": sample.commit,
                "created_at": now,
                "updated_at": now,
                "metadata": [],
                "container_metadata": {
                    "tag": {"name": tag, "digest": digest},
                    "labels": {
                        "description": "",
                        "source": format!("https://github.com/{}", sample.repository),
                        "revision": sample.commit,
                        "image_url": "",
                        "licenses": "",
                        "all_labels": {"github.internal.platforms": "[{\"architecture\":\"amd64\",\"os\":\"linux\"}]"},
                    },
                    "manifest": {
                        "digest": digest,
                        "media_type": "application/vnd.oci.image.index.v1+json",
                        "uri": format!("repositories/{}/manifests/{digest}", image.path()),
                        "size": 1609,
                        "config": {"digest": "", "media_type": "", "size": 0},
                        "layers": [],
                    },
                },
                "package_files": [],
                "installation_command": format!("docker pull {image}:{tag}"),
                "package_url": format!("{image}:{tag}"),
            },
            "registry": {
                "about_url": "https://docs.github.com/packages/learn-github-packages",
                "name": "GitHub CONTAINER registry",
                "type": "CONTAINER",
                "url": format!("https://CONTAINER.pkg.github.com/{owner}"),
                "vendor": "GitHub Inc",
            },
        },
    })
}

fn push(sample: &Sample, now: &str) -> Value {
    let page = format!("https://github.com/{}", sample.repository);
    let person = json!({"name": "Octavia", "email": "octavia@example.com", "username": "octavia"});
    let commit = json!({
        "id": sample.commit,
        "tree_id": sample.commit,
        "distinct": true,
        "message": "Answer the health check before the first request",
        "timestamp": now,
        "url": format!("{page}/commit/{}", sample.commit),
        "author": person,
        "committer": person,
        "added": [],
        "removed": [],
        "modified": ["src/server.rs"],
    });
    json!({
        "ref": GitRef::Branch(sample.branch.clone()).full(),
        "before": "9c1e".repeat(10),
        "after": sample.commit,
        "pusher": {"name": "octavia", "email": "octavia@example.com"},
        "created": false,
        "deleted": false,
        "forced": false,
        "base_ref": null,
        "compare": format!("{page}/compare/9c1e9c1e9c1e...{}", sample.commit),
        "commits": [commit],
        "head_commit": commit,
    })
}

fn workflow_run(sample: &Sample, now: &str) -> Value {
    let api = format!("https://api.github.com/repos/{}", sample.repository);
    json!({
        "action": "completed",
        "workflow_run": {
            "id": 9_310_277_001_u64,
            "name": "build",
            "head_branch": sample.branch,
            "head_sha": sample.commit,
            "path": ".github/workflows/build.yml",
            "run_number": 512,
            "run_attempt": 1,
            "event": "push",
            "status": "completed",
            "conclusion": "success",
            "workflow_id": 7_712_031,
            "url": format!("{api}/actions/runs/9310277001"),
            "created_at": now,
            "updated_at": now,
            "actor": user("octavia", "User"),
            "pull_requests": [],
            "head_repository": repository(&sample.repository, now),
        },
    })
}

fn ping(now: &str) -> Value {
    json!({
        "zen": "Keep it logically awesome.",
        "hook_id": 418_206_113,
        "hook": {
            "type": "Repository",
            "id": 418_206_113,
            "name": "web",
            "active": true,
            "events": ["package", "push"],
            "config": {"content_type": "json", "insecure_ssl": "0", "url": "https://hooks.example.com/hook/"},
            "created_at": now,
            "updated_at": now,
        },
    })
}

fn repository(full_name: &str, now: &str) -> Value {
    let (owner, name) = full_name.split_once('/').unwrap_or(("acme", full_name));
    let page = format!("https://github.com/{full_name}");
    let mut fields = with_urls(&format!("https://api.github.com/repos/{full_name}"), REPOSITORY_URLS);
    let own = json!({
        "id": 412_008_117,
        "node_id": "R_kgDOGI7vNQ",
        "name": name,
        "full_name": full_name,
        "private": true,
        "owner": user(owner, "Organization"),
        "html_url": page,
        "description": null,
        "fork": false,
        "created_at": now,
        "updated_at": now,
        "pushed_at": now,
        "git_url": format!("git://github.com/{full_name}.git"),
        "ssh_url": format!("git@github.com:{full_name}.git"),
        "clone_url": format!("{page}.git"),
        "svn_url": page,
        "size": 1764,
        "language": "Rust",
        "archived": false,
        "disabled": false,
        "visibility": "private",
        "default_branch": "main",
    });
    fields.extend(own.as_object().cloned().unwrap_or_default());
    Value::Object(fields)
}

fn user(login: &str, kind: &str) -> Value {
    let mut fields = with_urls(&format!("https://api.github.com/users/{login}"), USER_URLS);
    let own = json!({
        "login": login,
        "id": 77_003_512,
        "node_id": "MDQ6VXNlcjc3MDAzNTEy",
        "avatar_url": "https://avatars.githubusercontent.com/u/77003512?v=4",
        "gravatar_id": "",
        "html_url": format!("https://github.com/{login}"),
        "type": kind,
        "site_admin": false,
    });
    fields.extend(own.as_object().cloned().unwrap_or_default());
    Value::Object(fields)
}

/// The API's addresses, which are most of a delivery's bytes.
fn with_urls(api: &str, suffixes: &[(&str, &str)]) -> Map<String, Value> {
    let mut fields = Map::new();
    fields.insert("url".into(), api.into());
    for (name, suffix) in suffixes {
        fields.insert(format!("{name}_url"), format!("{api}{suffix}").into());
    }
    fields
}
