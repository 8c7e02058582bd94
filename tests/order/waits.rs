//! Which runs start, and when.

use support::kube::Fault;
use support::scene::{RESTART_WEB, SET_IMAGE, asked, boathook, cluster, effective, image_of, relay};
use support::{flux, github, objects};

#[test]
fn of_a_burst_the_last_tag_wins_with_few_patches() {
    let kube = cluster(&["web"]);
    let relay = relay(&kube, "settle: 2s", &[SET_IMAGE]);
    for number in 1..=10 {
        github::image("ghcr.io/acme/web", &format!("build-{number}")).accepted(&relay);
    }
    kube.wait_for_object("deployments", "default", "web", |object| {
        objects::container(object, "web")["image"] == "ghcr.io/acme/web:build-10"
    });
    relay.wait_for_log("outcome=succeeded");
    assert!(kube.patches().len() <= 2, "{:?}", kube.patches());
}

#[test]
fn of_versions_out_of_order_the_highest_stays() {
    let kube = cluster(&["web"]);
    let rule = "{when: {tag: {semver: \">=1\"}}, do: [setImage: {namespace: default, runningImage: true}]}";
    let relay = relay(&kube, "settle: 0", &[rule]);
    // They wait for one that has started, however long it takes to send them.
    kube.fail_for(Fault::Hang, "PATCH", "/deployments/web", None);
    github::image("ghcr.io/acme/web", "1.1.0").accepted(&relay);
    kube.wait_for_blocking(|requests| requests.iter().any(|request| request.method == "PATCH"));
    let versions = ["1.2.0", "1.10.0", "1.9.0", "v1.3.0"].map(|tag| github::image("ghcr.io/acme/web", tag));
    for delivery in &versions {
        delivery.accepted(&relay);
    }
    kube.clear_faults();
    let [low, high, between, last] = versions.map(|delivery| delivery.wait(50).send(&relay));
    assert_eq!([low.status, high.status, between.status, last.status], [409, 200, 409, 409]);
    assert_eq!(image_of(&kube, "web"), "ghcr.io/acme/web:1.10.0");
    assert_eq!(effective(&kube).len(), 2);
    let late = github::image("ghcr.io/acme/web", "1.4.0").wait(50).send(&relay);
    assert_eq!(
        late.json()["runs"][0]["reason"],
        "deployment/web: ghcr.io/acme/web:1.10.0 is newer than 1.4.0"
    );
}

#[test]
fn what_has_started_finishes_and_then_only_the_newest_follows() {
    let kube = cluster(&["web"]);
    let relay = relay(&kube, "settle: 0", &[SET_IMAGE]);
    kube.fail_for(Fault::Hang, "PATCH", "/deployments/web", None);
    let [a, b, c] = ["a", "b", "c"].map(|tag| github::image("ghcr.io/acme/web", tag));
    a.accepted(&relay);
    kube.wait_for_blocking(|requests| requests.iter().any(|request| request.method == "PATCH"));
    b.accepted(&relay);
    c.accepted(&relay);
    assert_eq!(b.wait(50).send(&relay).status, 409);
    kube.clear_faults();
    assert_eq!([a.wait(50).send(&relay).status, c.wait(50).send(&relay).status], [200, 200]);
    let images: Vec<_> = effective(&kube)
        .iter()
        .map(|patch| patch.body["spec"]["template"]["spec"]["containers"][0]["image"].clone())
        .collect();
    assert_eq!(images, ["ghcr.io/acme/web:a", "ghcr.io/acme/web:c"]);
}

#[test]
fn one_subject_does_not_hold_up_another() {
    let kube = cluster(&["web", "api"]);
    let relay = relay(&kube, "settle: 0", &[SET_IMAGE]);
    kube.fail_for(Fault::Hang, "", "/deployments/web", None);
    github::image("ghcr.io/acme/web", "a").accepted(&relay);
    kube.wait_for_blocking(|requests| asked(requests).contains(&"GET web".to_owned()));
    assert_eq!(github::image("ghcr.io/acme/api", "a").wait(50).send(&relay).status, 200);
    kube.clear_faults();
    relay.wait_for_log("target=default/deployment/web outcome=succeeded");
}

#[test]
fn two_rules_never_work_on_one_workload_at_once() {
    let kube = cluster(&["web", "api"]);
    let rules = [
        RESTART_WEB,
        "{do: [setImage: {namespace: default, workloads: [deployment/web]}]}",
        "{do: [restart: {namespace: default, workloads: [deployment/api]}]}",
    ];
    let relay = relay(&kube, "settle: 0", &rules);
    kube.fail_for(Fault::Hang, "GET", "/deployments/", None);
    let delivery = github::image("ghcr.io/acme/web", "2.0.0");
    delivery.accepted(&relay);
    // When the third rule has come to its workload, the second has come to its own.
    kube.wait_for_blocking(|requests| asked(requests).contains(&"GET api".to_owned()));
    kube.clear_faults();
    assert_eq!(delivery.wait(50).send(&relay).status, 200);
    let mut web: Vec<_> =
        asked(&kube.requests()).into_iter().filter(|request| request.ends_with(" web")).collect();
    // Looks at another workload stood in between.
    web.dedup();
    assert_eq!(web, ["GET web", "PATCH web", "GET web", "PATCH web", "GET web"]);
}

#[test]
fn a_wait_has_an_end_even_if_events_keep_coming() {
    let kube = cluster(&["web"]);
    let relay = relay(&kube, "settle: 1h\nmaxWait: 5s", &[SET_IMAGE]);
    let first = github::image("ghcr.io/acme/web", "a");
    first.accepted(&relay);
    let last = github::image("ghcr.io/acme/web", "b").wait(50).send(&relay);
    assert_eq!(last.status, 200, "{}", last.text());
    assert_eq!(image_of(&kube, "web"), "ghcr.io/acme/web:b");
    assert_eq!((kube.patches().len(), first.wait(50).send(&relay).status), (1, 409));
}

#[test]
fn flux_and_reconcile_do_not_wait() {
    let (kube, flux) = (cluster(&[]), flux::Double::start());
    kube.apply(objects::git_repository("flux-system", "fleet", "ssh://git@github.com/acme/fleet"));
    let config = format!(
        "version: 1\nkubernetes: {{api: \"{}\"}}\nflux: {{api: \"{}\"}}\nsettle: 1h\nmaxWait: 1h\nendpoints:\n\
         - name: fleet\n  source: GitHub\n  keyPath: github.key\n  rules:\n  - when: {{branch: main}}\n    do:\n    \
         - fluxNotify: {{}}\n    - reconcile: {{namespace: flux-system, kind: GitRepository, name: fleet}}\n",
        kube.url(),
        flux.api()
    );
    let relay = boathook(&config).file("github.key", github::KEY).start();
    let answer = github::push("acme/fleet", "main").wait(50).send(&relay);
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(
        flux.notifications()[0].body.to_string(),
        r#"{"Kind":"git","Source":{"Branch":"main","URL":"git@github.com:acme/fleet.git"}}"#
    );
    let fleet = kube.object("gitrepositories", "flux-system", "fleet");
    assert!(fleet["metadata"]["annotations"]["reconcile.fluxcd.io/requestedAt"].is_string(), "{fleet}");
}
