use serde_json::json;

use super::super::testing::{context, deploy, git, read};
use super::*;

fn action(text: &str) -> Patch {
    let (action, mistakes) = read(text, Patch::read);
    assert_eq!(mistakes, [] as [&str; 0], "{text}");
    action.unwrap()
}

#[test]
fn every_form_is_read_and_kept_with_a_run() {
    for (text, shown) in [
        (
            "namespace: shop\nworkload: deploy/web\ntype: merge\nbody: {spec: {replicas: 3}}\n",
            "deployment/web in shop (merge)",
        ),
        (
            "namespace: shop\napiVersion: apps/v1\nkind: Deployment\nname: web\ntype: strategic\nbody: {}\n",
            "deployment/web in shop (strategic)",
        ),
        (
            "apiVersion: v1\nkind: Namespace\nname: shop\ntype: json\nbody: [{op: remove, path: /metadata/labels/x}]\n",
            "Namespace shop (json)",
        ),
    ] {
        let action = action(text);
        assert_eq!(action.to_string(), shown);
        let json = serde_json::to_string(&action).unwrap();
        assert_eq!(serde_json::from_str::<Patch>(&json).unwrap(), action);
    }
}

#[test]
fn names_come_from_the_event_and_must_be_names_then() {
    let action = action(
        "namespace: \"${namespace}\"\nworkload: \"deployment/${environment}\"\ntype: merge\nbody: {a: \"${tag}\"}\n",
    );
    assert_eq!(action.target_text(), "${namespace}/${environment}", "the body is no target");
    let event = deploy("ghcr.io/acme/web", "1", None);
    let named = action.named(&context(&event, None, None)).unwrap().unwrap();
    assert_eq!(named[0].full_name(), "shop/deployment/production");
    let event = git();
    let failure = action.named(&context(&event, None, None)).unwrap().unwrap_err();
    assert_eq!(failure.reason, "a git event has no ${environment}");
}

#[test]
fn every_mistake_is_told() {
    let web = "namespace: a\nworkload: deployment/web\n";
    let ops = |operation: &str| format!("{web}type: json\nbody: [{operation}]\n");
    for (text, told) in [
        ("workload: deployment/web\ntype: merge\nbody: {}\n".to_owned(), "namespace is missing"),
        ("namespace: a\ntype: merge\nbody: {}\n".to_owned(), "no target: give workload"),
        (format!("{web}body: {{}}\n"), "type is missing: strategic, merge or json"),
        (format!("{web}type: replace\nbody: {{}}\n"), "\"replace\" is not known"),
        (format!("{web}type: merge\n"), "body is missing"),
        (format!("{web}type: merge\nbody: [1]\n"), "must be a mapping"),
        (format!("{web}type: merge\nbody: {{a: \"${{x}}\"}}\n"), "body: .a: ${x} is not a variable"),
        (format!("{web}kind: Deployment\ntype: merge\nbody: {{}}\n"), "workload is there too"),
        (
            format!("{web}type: merge\nbody: {{}}\nrollout: {{onFailure: rollback}}\n"),
            "cannot be rolled back",
        ),
        (
            "namespace: a\nworkload: ksvc/web\ntype: strategic\nbody: {}\n".to_owned(),
            "take no strategic merge patch",
        ),
        (
            "namespace: a\napiVersion: example.com/v1\nkind: Thing\nname: x\ntype: strategic\nbody: {}\n"
                .to_owned(),
            "take no strategic merge patch",
        ),
        (
            "namespace: a\napiVersion: a/b/c\nkind: T\nname: x\ntype: merge\nbody: {}\n".to_owned(),
            "must be v1 or",
        ),
        (format!("{web}type: json\nbody: {{}}\n"), "must be a list of operations"),
        (ops("{op: put, path: /a}"), "[0]: op must be add"),
        (ops("{op: add, path: /a}"), "[0]: add needs value"),
        (ops("{op: move, path: /a}"), "[0]: move needs from"),
        (ops("{op: remove, path: a}"), "[0]: path must be a JSON pointer"),
        (ops("{op: add, path: \"/a/${branch}\", value: 1}"), "[0]: path cannot hold variables"),
        (ops("{op: copy, path: /a, from: \"/${branch}\"}"), "[0]: from cannot hold variables"),
    ] {
        let (_, mistakes) = read(&text, Patch::read);
        assert!(mistakes.len() == 1 && mistakes[0].contains(told), "{text}{mistakes:?}");
    }
}

#[test]
fn the_body_keeps_what_it_is() {
    let body = json!({"spec": {"replicas": 3, "paused": null, "x": ["${branch}", true, 1.5]}});
    let text = format!("namespace: a\nworkload: deployment/web\ntype: merge\nbody: {body}\n");
    assert_eq!(action(&text).body, body);
}
