use serde_json::{Value, json};

use super::super::testing::{DIGEST, context, deploy, git, object, parse, policy, pushed, read, workload};
use super::*;
use crate::rule::TagPolicy;
use crate::run::outcome::Outcome;

const NAMED: &str = "namespace: shop\nworkloads: [deployment/web]\n";
const FOUND: &str = "namespace: shop\nrunningImage: true\n";

fn action(text: &str) -> SetImage {
    let (action, mistakes) = read(text, SetImage::read);
    assert_eq!(mistakes, [] as [&str; 0]);
    action.unwrap()
}

/// `Ok`: each container that changes and its new image; `Err`: how it ends otherwise, and why.
type Planned = Result<Vec<(String, String)>, (Outcome, String)>;

fn planned(text: &str, object: &Value, context: &Context<'_>) -> Planned {
    match action(text).plan(&workload(Kind::Deployment), &parse(object.clone()), context) {
        Ok(Plan::Change(changes)) => {
            Ok(changes.into_iter().map(|c| (format!("{}/{}", c.list.field(), c.name), c.to)).collect())
        }
        Ok(Plan::Nothing(done) | Plan::There(done, _)) => Err((done.outcome, done.reason)),
        Err(failure) => {
            assert_eq!(failure.retry, None, "what the object says does not pass by itself");
            Err((Outcome::Failed, failure.reason))
        }
    }
}

fn web(image: &str) -> Value {
    object(&json!([{"name": "web", "image": image}]), &json!([]))
}

/// What a push of this tag does to one container that runs this image.
fn new_image(running: &str, event: &Event, tag: &str, policy: Option<&TagPolicy>) -> Result<String, String> {
    let planned = planned(NAMED, &web(running), &context(event, Some(tag), policy));
    planned.map(|mut changes| changes.remove(0).1).map_err(|(outcome, why)| {
        assert_eq!(outcome, Outcome::Unchanged, "{why}");
        why
    })
}

#[test]
fn containers_are_found_in_every_spelling_and_keep_their_own() {
    for (event, running, expected) in [
        ("docker.io/library/nginx", "nginx:1", "nginx:2"),
        ("docker.io/library/nginx", "docker.io/nginx:1", "docker.io/nginx:2"),
        ("nginx", "index.docker.io/library/nginx", "index.docker.io/library/nginx:2"),
        ("ghcr.io/acme/web", "GHCR.io/acme/web:1", "GHCR.io/acme/web:2"),
        ("registry:5000/acme/web", "registry:5000/acme/web", "registry:5000/acme/web:2"),
        ("ghcr.io/acme/web", &format!("ghcr.io/acme/web@{DIGEST}"), "ghcr.io/acme/web:2"),
        ("ghcr.io/acme/web", &format!("ghcr.io/acme/web:1@{DIGEST}"), "ghcr.io/acme/web:2"),
        ("ghcr.io/acme/web", &format!("ghcr.io/acme/web:2@{DIGEST}"), "ghcr.io/acme/web:2"),
    ] {
        assert_eq!(new_image(running, &pushed(event, "2"), "2", None), Ok(expected.to_owned()), "{running}");
    }
}

#[test]
fn every_container_that_runs_the_image_changes_and_no_other() {
    let pod = object(
        &json!([{"name": "web", "image": "ghcr.io/acme/web:1"}, {"name": "logs", "image": "ghcr.io/acme/web-logs:1"},
                {"name": "odd", "image": "???"}, {"name": "other", "image": "quay.io/acme/web:1"}]),
        &json!([{"name": "migrate", "image": "ghcr.io/acme/web:1"}]),
    );
    let event = pushed("ghcr.io/acme/web", "2");
    let context = context(&event, Some("2"), None);
    let change = |name: &str, image: &str| (name.to_owned(), image.to_owned());
    assert_eq!(
        planned(NAMED, &pod, &context),
        Ok(vec![
            change("containers/web", "ghcr.io/acme/web:2"),
            change("initContainers/migrate", "ghcr.io/acme/web:2")
        ])
    );
    let text = format!("{NAMED}container: other\n");
    assert_eq!(planned(&text, &pod, &context), Ok(vec![change("containers/other", "quay.io/acme/web:2")]));
    let text = format!("{NAMED}container: odd\n");
    assert_eq!(planned(&text, &pod, &context), Ok(vec![change("containers/odd", "ghcr.io/acme/web:2")]));
    let text = format!("{NAMED}container: \"${{tag}}\"\n");
    let (outcome, why) = planned(&text, &pod, &context).unwrap_err();
    assert_eq!(outcome, Outcome::Failed);
    assert!(why.starts_with("it has no container 2; there is web=ghcr.io/acme/web:1, logs="), "{why}");
}

#[test]
fn an_ordered_policy_takes_only_what_is_newer() {
    let semver = policy(&json!({"semver": ">=1.2, <2"}));
    let event = pushed("ghcr.io/acme/web", "1.3.0");
    let offered =
        |running: &str| new_image(&format!("ghcr.io/acme/web{running}"), &event, "1.3.0", Some(&semver));
    for running in [":1.2.9", ":v1.2.0", ":1.1.0", &format!(":1.2.0@{DIGEST}")] {
        assert_eq!(offered(running), Ok("ghcr.io/acme/web:1.3.0".into()), "{running}");
    }
    for (running, why) in [
        (":1.3.0", "ghcr.io/acme/web:1.3.0 is that version already"),
        (":v1.3", "ghcr.io/acme/web:v1.3 is that version already"),
        (":1.4.0", "ghcr.io/acme/web:1.4.0 is newer than 1.3.0"),
    ] {
        assert_eq!(offered(running), Err(why.into()));
    }
    // What has no tag runs `latest`, unless it is pinned by digest.
    for (running, why) in [
        (":latest", "the running tag latest is not a version"),
        ("", "the running tag latest is not a version"),
        (&format!("@{DIGEST}"), "the running image has no tag that semver >=1.2, <2 can compare"),
    ] {
        let told = offered(running).unwrap_err();
        assert!(told.starts_with(why), "{running}: {told}");
    }
}

#[test]
fn a_container_that_is_named_is_compared_too_whatever_it_runs() {
    let semver = policy(&json!({"semver": "*"}));
    let event = pushed("ghcr.io/acme/web", "1.3.0");
    let context = context(&event, Some("1.3.0"), Some(&semver));
    let text = format!("{NAMED}container: web\n");
    let of = |running: &str| planned(&text, &web(running), &context);
    let mirrored = "mirror:5000/ghcr/web:1.3.0".to_owned();
    assert_eq!(of("mirror:5000/ghcr/web:1.2.0"), Ok(vec![("containers/web".into(), mirrored)]));
    let why = "mirror:5000/ghcr/web:1.4.0 is newer than 1.3.0";
    assert_eq!(of("mirror:5000/ghcr/web:1.4.0"), Err((Outcome::Unchanged, why.into())));
    // What is no image has neither tag nor spelling.
    assert_eq!(of("???"), Ok(vec![("containers/web".into(), "ghcr.io/acme/web:1.3.0".into())]));
}

#[test]
fn from_any_replaces_what_cannot_be_compared_and_nothing_newer() {
    let event = pushed("ghcr.io/acme/web", "1.3.0");
    let in_policy = policy(&json!({"semver": "*", "from": "any"}));
    let plain = policy(&json!({"semver": "*"}));
    for (text, policy) in [(NAMED.to_owned(), &in_policy), (format!("{NAMED}from: any\n"), &plain)] {
        let of = |running: &str| planned(&text, &web(running), &context(&event, Some("1.3.0"), Some(policy)));
        let pinned = format!("ghcr.io/acme/web@{DIGEST}");
        for running in ["ghcr.io/acme/web", "ghcr.io/acme/web:latest", pinned.as_str()] {
            assert_eq!(of(running), Ok(vec![("containers/web".into(), "ghcr.io/acme/web:1.3.0".into())]));
        }
        for running in ["ghcr.io/acme/web:1.3.0", "ghcr.io/acme/web:2.0.0"] {
            assert_eq!(of(running).unwrap_err().0, Outcome::Unchanged, "{running}");
        }
    }
}

#[test]
fn some_containers_may_change_while_others_stay() {
    let semver = policy(&json!({"semver": "*"}));
    let event = pushed("ghcr.io/acme/web", "1.3.0");
    let context = context(&event, Some("1.3.0"), Some(&semver));
    let pod = object(
        &json!([{"name": "new", "image": "ghcr.io/acme/web:1.4.0"}, {"name": "old", "image": "ghcr.io/acme/web:1.2.0"}]),
        &json!([]),
    );
    assert_eq!(
        planned(NAMED, &pod, &context),
        Ok(vec![("containers/old".into(), "ghcr.io/acme/web:1.3.0".into())])
    );
    let same = object(
        &json!([{"name": "a", "image": "ghcr.io/acme/web:1.3.0"}, {"name": "b", "image": "ghcr.io/acme/web:1.3.0"}]),
        &json!([]),
    );
    let why = "ghcr.io/acme/web:1.3.0 is that version already";
    assert_eq!(planned(NAMED, &same, &context), Err((Outcome::Unchanged, why.into())));
}

#[test]
fn a_policy_without_order_takes_every_other_tag() {
    let glob = policy(&json!("v*"));
    let event = pushed("ghcr.io/acme/web", "v1");
    let offered = |running: &str| new_image(running, &event, "v1", Some(&glob));
    for running in ["ghcr.io/acme/web:v2", "ghcr.io/acme/web", &format!("ghcr.io/acme/web@{DIGEST}")] {
        assert_eq!(offered(running), Ok("ghcr.io/acme/web:v1".into()));
    }
    assert_eq!(offered("ghcr.io/acme/web:v1"), Err("ghcr.io/acme/web:v1 runs already".into()));
}

#[test]
fn a_deploy_request_pins_the_digest_that_it_names() {
    let pinned = deploy("ghcr.io/acme/web", "1.3.0", Some(DIGEST));
    let expected = format!("ghcr.io/acme/web:1.3.0@{DIGEST}");
    assert_eq!(new_image("ghcr.io/acme/web:1.3.0", &pinned, "1.3.0", None), Ok(expected.clone()));
    assert_eq!(new_image(&expected, &pinned, "1.3.0", None), Err(format!("{expected} runs already")));
    let alone = deploy("ghcr.io/acme/web", "", Some(DIGEST));
    assert_eq!(new_image("ghcr.io/acme/web:1", &alone, "", None), Ok(format!("ghcr.io/acme/web@{DIGEST}")));
    let neither = deploy("ghcr.io/acme/web", "", None);
    let why = "the event names neither tag nor digest";
    assert_eq!(new_image("ghcr.io/acme/web:1", &neither, "", None), Err(why.into()));
    let cause = context(&alone, Some(""), None).change_cause();
    assert_eq!(cause, format!("boathook: ghcr.io/acme/web@{DIGEST}, GitHub delivery 72d3162e"));
}

#[test]
fn what_has_no_such_container_is_a_mistake_only_where_it_is_named() {
    let event = pushed("ghcr.io/acme/web", "2");
    let context = context(&event, Some("2"), None);
    let why = "none of its containers runs ghcr.io/acme/web; there is web=quay.io/acme/web:1";
    let pod = web("quay.io/acme/web:1");
    assert_eq!(planned(NAMED, &pod, &context), Err((Outcome::Failed, why.into())));
    assert_eq!(planned(FOUND, &pod, &context), Err((Outcome::Skipped, why.into())));
    let selected = "namespace: shop\nselector: app=web\n";
    assert_eq!(planned(selected, &pod, &context), Err((Outcome::Skipped, why.into())));
}

#[test]
fn an_event_without_an_image_fails_in_words() {
    let event = git();
    let planned = planned(NAMED, &web("ghcr.io/acme/web:1"), &context(&event, None, None));
    assert_eq!(planned, Err((Outcome::Failed, "a git event has no image to set".into())));
}

#[test]
fn what_is_being_deleted_or_paused_is_not_changed() {
    let event = pushed("ghcr.io/acme/web", "2");
    let context = context(&event, Some("2"), None);
    let mut pod = web("ghcr.io/acme/web:1");
    pod["spec"]["paused"] = json!(true);
    let (outcome, why) = planned(NAMED, &pod, &context).unwrap_err();
    assert_eq!(outcome, Outcome::Failed);
    assert!(why.ends_with("kubectl rollout resume deployment/web -n shop"), "{why}");
    // One of many that were found does not fail the others.
    for found in [FOUND, "namespace: shop\nselector: app=web\n"] {
        assert_eq!(planned(found, &pod, &context), Err((Outcome::Skipped, why.clone())));
    }
    // Nothing to do is no failure.
    pod["spec"]["template"]["spec"]["containers"][0]["image"] = json!("ghcr.io/acme/web:2");
    assert_eq!(planned(NAMED, &pod, &context).unwrap_err().0, Outcome::Unchanged);
    pod["metadata"]["deletionTimestamp"] = json!("2026-11-21T10:00:00Z");
    assert_eq!(planned(NAMED, &pod, &context), Err((Outcome::Skipped, "it is being deleted".into())));
}

#[test]
fn fields_are_read_and_every_mistake_is_told() {
    for text in [
        NAMED,
        FOUND,
        "namespace: a\nworkloads: [cj/x, ksvc/y, ds/z]\ncontainer: \"${workload}\"\nfrom: any\n",
    ] {
        let made = action(text);
        let json = serde_json::to_value(&made).unwrap();
        assert_eq!(serde_json::from_value::<SetImage>(json).unwrap(), made);
    }
    let text = "namespace: shop\nrunningImage: true\ncontainer: \"${nope}\"\nfrom: all\nimage: x\n";
    let (_, mistakes) = read(text, SetImage::read);
    for told in ["container: ", "from: \"all\" is not known", "image: is not a field here"] {
        assert!(mistakes.iter().any(|mistake| mistake.contains(told)), "{told}: {mistakes:#?}");
    }
    assert_eq!(mistakes.len(), 3, "{mistakes:#?}");
    let (_, mistakes) = read("namespace: shop\nrunningImage: true\ncontainer: \"\"\n", SetImage::read);
    assert!(mistakes.len() == 1 && mistakes[0].contains("container: is empty"), "{mistakes:#?}");
}

#[test]
fn a_pull_policy_is_one_that_the_api_takes() {
    let (_, mistakes) = read(&format!("{NAMED}imagePullPolicy: always\n"), SetImage::read);
    assert!(mistakes[0].contains("did you mean Always?"), "{mistakes:?}");
    let action = action(&format!("{NAMED}imagePullPolicy: Never\n"));
    assert_eq!(action.describe(), "set the image in deployment/web in shop (imagePullPolicy Never)");
    let json = serde_json::to_string(&action).unwrap();
    assert_eq!(serde_json::from_str::<SetImage>(&json).unwrap(), action);
}
