use super::*;
use crate::kubernetes::Kind;

/// What the API took, as it was recorded.
const RECORDED: &str = include_str!("../../../tests/data/exchanges/44-create-event.json");

#[test]
fn the_request_is_the_one_that_the_api_took() {
    let recorded: Value = serde_json::from_str(RECORDED).unwrap();
    let recorded = &recorded["request"];
    let web = Workload::new("rec", Kind::Deployment, "web").unwrap();
    let note = "restarted for ghcr.io/acme/web:latest";
    let happening = Happening { reason: Reason::Restarted, action: "restart", note };
    let now = "2026-11-21T01:31:47Z".parse().unwrap();
    let uid = "b44a154b-3dc7-4a54-b7ec-6d3985aa652d";
    assert_eq!(body(&web, uid, &happening, "boathook-0", now), recorded["body"]);
    assert_eq!(recorded["path"], "/apis/events.k8s.io/v1/namespaces/rec/events");
}

#[test]
fn what_changed_nothing_is_no_event() {
    for (action, outcome, changed, reason, severity) in [
        ("restart", Outcome::Succeeded, true, "Restarted", "Normal"),
        ("setImage", Outcome::Succeeded, true, "ImageSet", "Normal"),
        ("setImage", Outcome::RolledBack, true, "RolledBack", "Warning"),
        ("setImage", Outcome::Held, false, "Held", "Warning"),
        ("restart", Outcome::Failed, true, "RolloutFailed", "Warning"),
        ("restart", Outcome::Failed, false, "ChangeFailed", "Warning"),
        ("setImage", Outcome::Expired, false, "ChangeFailed", "Warning"),
    ] {
        let made = Reason::of(action, outcome, changed).unwrap();
        assert_eq!((made.word(), made.severity()), (reason, severity), "{action} {outcome}");
    }
    for outcome in [Outcome::Unchanged, Outcome::Skipped, Outcome::Superseded] {
        assert_eq!(Reason::of("restart", outcome, false), None);
    }
    assert_eq!(Reason::of("reconcile", Outcome::Succeeded, true), None, "it has no workload");
}

#[test]
fn a_note_is_cut_to_what_the_api_takes() {
    assert_eq!(cut("short"), "short");
    assert_eq!(cut(&"x".repeat(1024)).len(), 1024);
    for long in ["x".repeat(1025), "é".repeat(600), "…".repeat(400)] {
        let cut = cut(&long);
        assert!(cut.len() <= 1024 && cut.len() > 1000 && cut.ends_with('…'), "{}", cut.len());
    }
}
