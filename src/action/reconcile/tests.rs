use serde_json::json;

use super::super::testing::{context, deploy, exchange, git, read};
use super::*;
use crate::event::Event;

fn action(text: &str) -> Reconcile {
    let (action, mistakes) = read(text, Reconcile::read);
    assert_eq!(mistakes, [] as [&str; 0]);
    action.unwrap()
}

fn path(text: &str) -> String {
    let event = git();
    let context = context(&event, None, None);
    let Ok(Target::Object(object)) = action(text).target(&context) else { panic!("{text}") };
    request("boathook", &object, &context).path
}

#[test]
fn plurals_are_those_of_the_table() {
    for (kind, _, _, expected) in FLUX_KINDS {
        assert_eq!(plural(kind), expected);
    }
}

#[test]
fn the_request_is_the_recorded_one() {
    let recorded = &exchange("38-flux-reconcile.json")["request"];
    let event = git();
    let context = context(&event, None, None);
    let Ok(Target::Object(object)) =
        action("namespace: rec\nkind: GitRepository\nname: fleet\n").target(&context)
    else {
        panic!("a Flux object has a target");
    };
    let made = request("boathook", &object, &context);
    assert_eq!(
        (&recorded["path"], &recorded["headers"]["Content-Type"]),
        (&json!(made.path), &json!(made.content_type))
    );
    assert_eq!(
        made.body,
        json!({"metadata": {"annotations": {REQUESTED_AT: "2026-11-21T10:00:01.500000000Z"}}})
    );
    // The same annotation as the recorded request's, and of the same precision.
    let value = &recorded["body"]["metadata"]["annotations"][REQUESTED_AT];
    assert_eq!(
        value.as_str().map(str::len),
        made.body["metadata"]["annotations"][REQUESTED_AT].as_str().map(str::len)
    );
    assert_eq!(object.to_string(), "gitrepository/fleet");
}

#[test]
fn every_kind_of_flux_has_its_path_and_others_give_their_api_version() {
    for (kind, group, version, plural) in FLUX_KINDS {
        let expected = format!("/apis/{group}/{version}/namespaces/a/{plural}/x?fieldManager=boathook");
        assert_eq!(path(&format!("namespace: a\nkind: {kind}\nname: x\n")), expected);
    }
    for (kind, version, expected) in [
        (
            "ImagePolicy",
            "image.toolkit.fluxcd.io/v1beta2",
            "/apis/image.toolkit.fluxcd.io/v1beta2/namespaces/a/imagepolicies/x",
        ),
        (
            "ResourceSet",
            "fluxcd.controlplane.io/v1",
            "/apis/fluxcd.controlplane.io/v1/namespaces/a/resourcesets/x",
        ),
    ] {
        let made = path(&format!("namespace: a\nkind: {kind}\napiVersion: {version}\nname: x\n"));
        assert_eq!(made, format!("{expected}?fieldManager=boathook"));
    }
}

#[test]
fn names_may_come_from_the_event_and_must_be_names_then() {
    let action = action("namespace: \"${namespace}\"\nkind: Kustomization\nname: \"app-${environment}\"\n");
    let mut event = deploy("ghcr.io/acme/web", "1", None);
    let target = action.target(&context(&event, None, None)).unwrap();
    assert_eq!(target.full_name(), "shop/kustomization/app-production");
    if let Event::Deploy(deploy) = &mut event {
        deploy.environment = "../../secrets/x".into();
    }
    let failure = action.target(&context(&event, None, None)).unwrap_err();
    assert!(failure.reason.contains("is not a Kubernetes name"), "{}", failure.reason);
    let push = git();
    let failure = action.target(&context(&push, None, None)).unwrap_err();
    assert!(failure.reason.contains("a git event has no ${namespace}"), "{}", failure.reason);
}

#[test]
fn every_mistake_is_told() {
    for (text, told) in [
        ("kind: GitRepository\nname: x\n", "namespace is missing"),
        ("namespace: a\nkind: GitRepository\n", "name is missing"),
        ("namespace: a\nname: x\n", "kind is missing"),
        ("namespace: A/b\nkind: GitRepository\nname: x\n", "namespace: "),
        ("namespace: a\nkind: GitRepository\nname: ../x\n", "name: "),
        (
            "namespace: a\nkind: GitRepositry\nname: x\n",
            "did you mean GitRepository?; for another kind give apiVersion: GROUP/VERSION",
        ),
        ("namespace: a\nkind: Thing\napiVersion: v1\nname: x\n", "must be GROUP/VERSION"),
        ("namespace: a\nkind: Thing\napiVersion: a/../b\nname: x\n", "must be GROUP/VERSION"),
        ("namespace: a\nkind: x/y\napiVersion: a.io/v1\nname: x\n", "must be letters and digits"),
        ("namespace: a\nkind: GitRepository\nname: x\nforce: true\n", "force: is not a field here"),
    ] {
        let (_, mistakes) = read(text, Reconcile::read);
        assert!(mistakes.len() == 1 && mistakes[0].contains(told), "{text}{mistakes:?}");
    }
}
