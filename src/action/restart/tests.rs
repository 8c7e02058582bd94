use serde_json::{Value, json};

use super::super::testing::{context, exchange, parse, pushed, read, time, workload};
use super::*;
use crate::kubernetes::patch::RESTARTED_AT;
use crate::run::outcome::Outcome;

const NAMED: &str = "namespace: shop\nworkloads: [deployment/web]\n";

fn restarted(at: &str) -> Object {
    parse(
        json!({"metadata": {"name": "web"}, "spec": {"template": {"metadata": {"annotations": {RESTARTED_AT: at}}}}}),
    )
}

fn targets(text: &str) -> Targets {
    let (action, mistakes) = read(text, Restart::read);
    assert_eq!(mistakes, [] as [&str; 0]);
    action.unwrap().targets
}

fn outcome(object: &Object) -> Option<(Outcome, String)> {
    let event = pushed("ghcr.io/acme/web", "latest");
    let done = nothing_to_do(
        &targets(NAMED),
        &workload(Kind::Deployment),
        object,
        &context(&event, Some("latest"), None),
    )
    .unwrap();
    done.map(|done| (done.outcome, done.reason))
}

#[test]
fn what_was_restarted_after_the_event_is_unchanged() {
    // Received at 10:00:00.5, now it is 10:00:01.5.
    for at in [
        "2026-11-21T10:00:00.5Z",
        "2026-11-21T10:00:01Z",
        "2026-11-21T11:00:01+01:00",
        "2026-11-21T10:00:02Z",
    ] {
        let (outcome, reason) = outcome(&restarted(at)).unwrap();
        assert_eq!(outcome, Outcome::Unchanged);
        assert!(reason.starts_with("it was restarted at 2026-11-21T10:00:0"), "{reason}");
    }
    for at in ["2026-11-21T10:00:00Z", "2026-11-20T10:00:01Z", "never", "", "2027-01-01T00:00:00Z"] {
        assert_eq!(outcome(&restarted(at)), None, "{at}");
    }
}

#[test]
fn what_is_being_deleted_is_left_alone_and_what_is_paused_cannot_be_restarted() {
    let deleting = json!({"metadata": {"name": "web", "deletionTimestamp": "2026-11-21T10:00:00Z"}, "spec": {"paused": true}});
    assert_eq!(outcome(&parse(deleting)), Some((Outcome::Skipped, "it is being deleted".into())));
    // A paused Deployment as a real API server shows it.
    let paused = parse(exchange("32-get-paused.json")["response"]["body"].clone());
    let event = pushed("ghcr.io/acme/web", "latest");
    let context = context(&event, Some("latest"), None);
    let failure = nothing_to_do(&targets(NAMED), &workload(Kind::Deployment), &paused, &context).unwrap_err();
    assert_eq!(
        failure,
        Failure::last(
            "it is paused, so nothing would roll out: kubectl rollout resume deployment/web -n shop"
        )
    );
    // One of many that were found does not fail the others.
    for found in ["namespace: shop\nselector: app=web\n", "namespace: shop\nrunningImage: true\n"] {
        let done = nothing_to_do(&targets(found), &workload(Kind::Deployment), &paused, &context).unwrap();
        assert_eq!(done, Some(Done::skipped(failure.reason.clone())));
    }
}

#[test]
fn the_time_is_fresh_and_never_before_the_event() {
    let now = time("2026-11-21T10:00:00.123456Z");
    assert_eq!(fresh_time(Kind::Deployment, None, now), "2026-11-21T10:00:00.124Z");
    assert_eq!(
        fresh_time(Kind::Deployment, Some("2026-11-21T10:00:00.124Z"), now),
        "2026-11-21T10:00:00.125Z"
    );
    assert_eq!(
        fresh_time(Kind::Deployment, Some("2026-11-21T10:00:00.123Z"), now),
        "2026-11-21T10:00:00.124Z"
    );
    let whole = time("2026-11-21T10:00:00Z");
    assert_eq!(fresh_time(Kind::Deployment, None, whole), "2026-11-21T10:00:00.000Z");
    assert_eq!(
        fresh_time(Kind::Deployment, Some("2026-11-21T10:00:00.000Z"), whole),
        "2026-11-21T10:00:00.002Z"
    );
    for nanoseconds in [0, 1, 999_999, 1_000_000, 999_999_999] {
        let now = whole + SignedDuration::from_nanos(nanoseconds);
        let first = fresh_time(Kind::Deployment, None, now);
        assert!(time(&first) >= now && time(&first) <= now + CLOCKS, "{first}");
        assert_ne!(fresh_time(Kind::Deployment, Some(&first), now), first);
    }
}

#[test]
fn a_time_that_was_decided_is_made_if_it_is_there_or_a_later_one_that_is_not_in_the_future() {
    let (at, now) = ("2026-11-21T10:00:00.124Z", time("2026-11-21T10:00:05Z"));
    for there in [at, "2026-11-21T10:00:00.125Z", "2026-11-21T12:00:05+02:00", "2026-11-21T10:00:05.900Z"] {
        assert!(is_made(at, Some(there), now), "{there}");
    }
    // Most of these are greater as texts.
    for there in [
        "2026-11-21T10:00:00.123Z",
        "2026-11-21T12:00:00+02:00",
        "2026-11-21T10:00:00Z",
        "2027-01-01T00:00:00Z",
        "yesterday",
    ] {
        assert!(!is_made(at, Some(there), now), "{there}");
    }
    assert!(!is_made(at, None, now));
}

#[test]
fn the_request_is_the_recorded_one_and_says_who_asked() {
    for (file, kind, name) in [
        ("10-restart-deployment.json", Kind::Deployment, "web"),
        ("12-restart-statefulset.json", Kind::StatefulSet, "db"),
        ("13-restart-daemonset.json", Kind::DaemonSet, "agent"),
    ] {
        let recorded = &exchange(file)["request"];
        let workload = Workload::new("rec", kind, name).unwrap();
        let event = pushed("ghcr.io/acme/web", "latest");
        let at =
            recorded["body"]["spec"]["template"]["metadata"]["annotations"][RESTARTED_AT].as_str().unwrap();
        let mut made = request("boathook", &workload, at, &context(&event, Some("latest"), None));
        assert_eq!(recorded["path"], made.path, "{file}");
        assert_eq!(recorded["headers"]["Content-Type"], made.content_type);
        let cause = made.body["metadata"]["annotations"]["kubernetes.io/change-cause"].take();
        assert_eq!(cause, "boathook: ghcr.io/acme/web:latest, GitHub delivery 72d3162e");
        made.body.as_object_mut().unwrap().remove("metadata");
        assert_eq!(recorded["body"], made.body);
    }
}

#[test]
fn fields_are_read_and_every_mistake_is_told() {
    let (_, mistakes) = read("namespace: shop\nworkloads: [deployment/web, sts/db]\n", Restart::read);
    assert_eq!(mistakes, [] as [&str; 0]);
    let text = "namespace: shop\nworkloads: [cronjob/nightly, ksvc/game, pod/x]\nrollout: {onFailure: rollback}\nwhen: now\n";
    let (action, mistakes) = read(text, Restart::read);
    assert!(action.is_none());
    for told in [
        "cronjob/nightly: a CronJob starts new pods by itself",
        "ksvc/game: a Knative Service has no restart",
        "\"pod\" is not a kind of workload",
        "a restart cannot be rolled back",
        "when: is not a field here",
    ] {
        assert!(mistakes.iter().any(|mistake| mistake.contains(told)), "{told}: {mistakes:#?}");
    }
    assert_eq!(mistakes.len(), 5, "{mistakes:#?}");
}

#[test]
fn an_action_survives_the_journal() {
    let text = "namespaces: [shop, \"${namespace}\"]\nselector: app=web\nrollout: none\n";
    let (action, mistakes) = read(text, Restart::read);
    assert_eq!(mistakes, [] as [&str; 0]);
    let json: Value = serde_json::to_value(action.as_ref().unwrap()).unwrap();
    assert_eq!(serde_json::from_value::<Restart>(json).unwrap(), action.unwrap());
}

#[test]
fn argo_rollouts_get_whole_seconds_that_are_not_over_yet() {
    let fresh = |old, now| fresh_time(Kind::Rollout, old, time(now));
    assert_eq!(fresh(None, "2026-11-21T10:00:00.1Z"), "2026-11-21T10:00:01Z");
    assert_eq!(fresh(None, "2026-11-21T10:00:01Z"), "2026-11-21T10:00:01Z");
    assert_eq!(fresh(Some("2026-11-21T10:00:01Z"), "2026-11-21T10:00:00.1Z"), "2026-11-21T10:00:02Z");
    // It is the event's own restart, though the second has yet to come.
    let object = parse(json!({"metadata": {"name": "web"}, "spec": {"restartAt": "2026-11-21T10:00:02Z"}}));
    assert_eq!(outcome(&object).unwrap().0, Outcome::Unchanged);
}
