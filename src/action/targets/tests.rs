use serde_json::json;

use super::super::testing::{context, deploy, git, object, parse, pushed, read};
use super::*;
use crate::kubernetes::error::ApiError;

fn targets(text: &str) -> (Option<Targets>, Vec<String>) {
    read(text, |mut fields| {
        let targets = Targets::read(&mut fields, Kind::no_restart);
        fields.finish();
        targets
    })
}

fn named(text: &str, event: &Event) -> Result<Vec<String>, String> {
    let (targets, mistakes) = targets(text);
    assert_eq!(mistakes, [] as [&str; 0]);
    let named = targets.unwrap().named(&context(event, None, None)).unwrap();
    named.map(|all| all.iter().map(Target::full_name).collect()).map_err(|failure| failure.reason)
}

#[test]
fn named_workloads_need_no_look_up() {
    let text = "namespaces: [a, b]\nworkloads: [deploy/web, StatefulSet/db]\n";
    assert_eq!(
        named(text, &git()),
        Ok(["a/deployment/web", "a/statefulset/db", "b/deployment/web", "b/statefulset/db"]
            .map(Into::into)
            .into())
    );
    assert_eq!(named("namespace: a\nworkloads: ds/agent\n", &git()), Ok(vec!["a/daemonset/agent".into()]));
}

#[test]
fn what_goes_into_a_path_must_be_a_name_once_it_is_filled_in() {
    let text = "namespace: \"${namespace}\"\nworkloads: [\"deployment/${workload}-${environment}\"]\n";
    let mut event = deploy("ghcr.io/acme/web", "1", None);
    assert_eq!(named(text, &event), Ok(vec!["shop/deployment/web-production".into()]));
    let Event::Deploy(request) = &mut event else { panic!("not a deploy request") };
    request.environment = "x/../../../../secrets/y".into();
    assert!(named(text, &event).unwrap_err().contains("is not a Kubernetes name"));
    assert!(named(text, &git()).unwrap_err().contains("a git event has no ${namespace}"));
}

#[test]
fn every_mistake_is_told() {
    for (text, told) in [
        ("namespace: a\n", "no targets: give workloads"),
        ("workloads: [deployment/web]\n", "namespace is missing"),
        ("namespace: a\nnamespaces: [b]\nselector: x\n", "namespace is there too"),
        ("namespace: a/b\nselector: x\n", "is not a namespace"),
        ("namespaces: [a, B]\nselector: x\n", "is not a namespace"),
        ("namespace: a\nworkloads: [deployment/web]\nselector: x\n", "exclude one another"),
        ("namespace: a\nselector: x\nrunningImage: true\n", "exclude one another"),
        ("namespace: a\nselector: \"\"\n", "an empty selector would select every workload"),
        ("namespace: a\nselector: \"a b\"\n", "is not a label selector"),
        ("namespace: a\nworkloads: [web]\n", "must be TYPE/NAME"),
        ("namespace: a\nworkloads: [deploymnet/web]\n", "did you mean deployment?"),
        ("namespace: a\nworkloads: [deployment/Web]\n", "is not a Kubernetes name"),
        ("namespace: a\nworkloads: [deployment/]\n", "is not a Kubernetes name"),
        ("namespace: a\nworkloads: [\"deployment/${nope}\"]\n", "nope"),
        ("namespace: a\nworkloads: [ksvc/game]\n", "a Knative Service has no restart"),
        ("namespace: a\nworkloads: []\n", "is an empty list"),
        ("namespaces: []\nselector: x\n", "is an empty list"),
        ("namespace: a\nrunningImage: yes please\n", "is text, where true or false is needed"),
        ("namespace: a\nrunningImage: false\n", "can only be true"),
    ] {
        let (made, mistakes) = targets(text);
        assert!(mistakes.len() == 1 && mistakes[0].contains(told), "{text}{mistakes:?}");
        // What could be read is of no use then, as nothing is served with a mistake.
        drop(made);
    }
    let (_, mistakes) = targets("namespaces:\n- a\n- B\nworkloads:\n- deployment/web\n- web\n- pod/x\n");
    let places: Vec<_> = mistakes.iter().filter_map(|told| told.split(": ").nth(1)).collect();
    assert_eq!(places, ["namespaces[1]", "workloads[1]", "workloads[2]"], "{mistakes:?}");
    assert!(mistakes[2].starts_with("c.yaml:7:"), "{mistakes:?}");
}

#[test]
fn targets_are_told_in_one_line() {
    for (text, told) in [
        ("namespace: a\nworkloads: [deploy/web, sts/db]\n", "deployment/web, statefulset/db in a"),
        ("namespaces: [a, b]\nselector: app=web\n", "every workload with app=web in a, b"),
        (
            "namespace: \"${namespace}\"\nrunningImage: true\n",
            "every workload that runs the image in ${namespace}",
        ),
    ] {
        assert_eq!(targets(text).0.unwrap().to_string(), told);
    }
}

#[test]
fn an_image_runs_in_containers_and_init_containers_whatever_its_tag() {
    let event = pushed("docker.io/library/nginx", "2");
    let none = json!([]);
    for image in ["nginx", "nginx:1", "docker.io/library/nginx@sha256:".to_owned().as_str()] {
        let valid = !image.ends_with(':');
        let containers = json!([{"name": "x", "image": image}]);
        assert_eq!(runs_image(&parse(object(&containers, &none)), &event), valid, "{image}");
        assert_eq!(runs_image(&parse(object(&none, &containers)), &event), valid, "{image}");
    }
    let other = json!([{"name": "x", "image": "quay.io/library/nginx"}, {"name": "y"}]);
    assert!(!runs_image(&parse(object(&other, &none)), &event));
    assert!(!runs_image(&parse(object(&json!([{"name": "x", "image": "nginx"}]), &none)), &git()));
}

#[test]
fn when_nothing_is_found_what_was_looked_for_is_told() {
    let nothing = |text: &str, event: &Event| targets(text).0.unwrap().nothing(&context(event, None, None)).1;
    let image = "namespace: a\nrunningImage: true\n";
    assert_eq!(nothing(image, &pushed("nginx", "2")), "no workload runs docker.io/library/nginx");
    // A source may tell of images and of pushes, and a rule may be for both.
    assert_eq!(nothing(image, &git()), "a git event has no image that a workload could run");
    assert_eq!(nothing("namespace: a\nselector: app=web\n", &git()), "no workload has the labels app=web");
}

#[test]
fn when_nothing_could_be_listed_the_missing_rules_are_told() {
    let closed = |kind, namespace: &str, status, body: &str| {
        let asked = crate::kubernetes::client::asked("list", kind, namespace, None);
        ApiError::from_answer(asked, status, None, body.as_bytes())
    };
    let forbidden =
        |kind, namespace| closed(kind, namespace, 403, r#"{"message":"User cannot list resource"}"#);
    let missing = closed(Kind::Ksvc, "a", 404, "404 page not found\n");
    let told = nothing_listed(&[
        forbidden(Kind::Deployment, "a"),
        forbidden(Kind::CronJob, "a"),
        missing.clone(),
        forbidden(Kind::Deployment, "b"),
    ]);
    assert_eq!(
        told,
        "nothing could be listed: not allowed; allow it with {apiGroups: [apps, batch], resources: [deployments, \
         cronjobs], verbs: [list]} in a Role of namespace a, and {apiGroups: [apps], resources: [deployments], verbs: \
         [list]} in a Role of namespace b"
    );
    assert!(nothing_listed(&[missing]).contains("does not serve this kind"));
    let proxy = closed(Kind::Deployment, "a", 403, "Forbidden\n");
    assert!(nothing_listed(&[proxy]).contains("kubectl proxy does not let it through"));
}
