use super::*;

#[test]
fn a_deployment_that_completes_is_waited_for_to_its_last_step() {
    let expected = [
        UNSEEN,
        UNSEEN,
        "0 of 3 replicas are new (1 not available)",
        "1 of 3 replicas are new (1 not available)",
        "1 of 3 replicas are new",
        "1 of 3 replicas are new (1 not available)",
        "2 of 3 replicas are new (1 not available)",
        "2 of 3 replicas are new",
        "2 of 3 replicas are new (1 not available)",
        "3 of 3 replicas are new (1 not available), 1 old one has yet to end",
        "3 of 3 replicas are new, 1 old one has yet to end",
    ];
    let expected: Vec<_> = expected.map(waiting).into_iter().chain([Standing::Complete]).collect();
    assert_eq!(replay(Kind::Deployment, "deployment-restart-completes"), expected);
}

#[test]
fn a_deployment_that_never_becomes_ready_fails_with_its_deadline() {
    let lacks = "1 of 3 replicas are new (1 not available)";
    let expected = [
        waiting(UNSEEN),
        waiting(UNSEEN),
        waiting(lacks),
        failed(&format!("it has exceeded its progress deadline of 5 s: {lacks}")),
    ];
    assert_eq!(replay(Kind::Deployment, "deployment-image-never-ready"), expected);
}

#[test]
fn a_way_back_is_not_judged_by_the_deadline_that_began_it() {
    let pending = waiting("3 of 3 replicas are new, 1 old one has yet to end");
    let expected = [waiting(UNSEEN), waiting(UNSEEN), pending, Standing::Complete];
    assert_eq!(replay(Kind::Deployment, "deployment-rolled-back"), expected);
    let (objects, _) = recorded("deployment-rolled-back");
    let patched = Patched::from(objects[0].clone());
    let since: Vec<_> = objects.iter().map(|o| judge_since(Kind::Deployment, o, &patched)).collect();
    assert_eq!(since, expected);
}

/// With one replica the controller sees no progress in the way back, so it leaves the condition as it was until the
/// broken pod is gone, and counts it as observed.
#[test]
fn a_deadline_that_had_passed_before_the_patch_is_no_failure_of_it() {
    let at = |time: &str, reason: &str, observed: i64, generation: i64| {
        let condition =
            json!({"type": "Progressing", "status": "False", "reason": reason, "lastUpdateTime": time});
        object(json!({
            "metadata": {"name": "web", "generation": generation, "uid": "u"},
            "spec": {"replicas": 1},
            "status": {"observedGeneration": observed, "replicas": 2, "updatedReplicas": 1, "availableReplicas": 1,
                "unavailableReplicas": 1, "conditions": [condition]},
        }))
    };
    let exceeded = "ProgressDeadlineExceeded";
    let patched = Patched::from(at("2026-11-21T01:00:00Z", exceeded, 3, 4));
    let lacks = "1 of 1 replicas are new (1 not available), 1 old one has yet to end";
    let stale = at("2026-11-21T01:00:00Z", exceeded, 4, 4);
    assert_eq!(judge_since(Kind::Deployment, &stale, &patched), waiting(lacks));
    let own = at("2026-11-21T01:10:00Z", exceeded, 4, 4);
    let expected = failed(&format!("it has exceeded its progress deadline: {lacks}"));
    assert_eq!(judge_since(Kind::Deployment, &own, &patched), expected);
    // The first rollout of all: nothing had passed before.
    let fresh = Patched::from(at("2026-11-21T01:00:00Z", "ReplicaSetUpdated", 3, 4));
    assert_eq!(judge_since(Kind::Deployment, &stale, &fresh), expected);
    // The patch was made before, and its answer was lost: what is read now speaks of it.
    let again = Patched::from(own.clone());
    assert_eq!(judge_since(Kind::Deployment, &own, &again), expected);
    let journalled: Patched = serde_json::from_str(&serde_json::to_string(&patched).unwrap()).unwrap();
    assert_eq!(journalled, patched);
}

#[test]
fn the_traps_of_a_deployment() {
    let three = json!({"replicas": 3});
    let judged = |spec: &Value, status: Value| judge(Kind::Deployment, &of(spec, &status), 2);
    // Complete by numbers, whatever a deadline that passed before says: it came up late.
    let late = json!([{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]);
    let done = json!({"replicas": 3, "updatedReplicas": 3, "availableReplicas": 3, "conditions": late});
    assert_eq!(judged(&three, done.clone()), Standing::Complete);
    // It is not the change that is complete, but the one before.
    assert_eq!(judge(Kind::Deployment, &of(&three, &done), 3), waiting(UNSEEN));
    // Somebody changed it since: the status is compared with nothing that it does not speak of.
    let mut newer =
        of(&json!({"replicas": 1}), &json!({"replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}));
    newer.metadata.generation = 3;
    assert_eq!(judge(Kind::Deployment, &newer, 2), waiting(UNSEEN));
    // All new ones are there beside all old ones (maxSurge 100%): the available ones are the old ones.
    let surge =
        json!({"replicas": 6, "updatedReplicas": 3, "availableReplicas": 3, "unavailableReplicas": 3});
    let text = "3 of 3 replicas are new (3 not available), 3 old ones have yet to end";
    assert_eq!(judged(&three, surge), waiting(text));
    let unavailable =
        json!({"replicas": 3, "updatedReplicas": 3, "availableReplicas": 1, "unavailableReplicas": 2});
    assert_eq!(judged(&three, unavailable.clone()), waiting("1 of 3 new replicas are available"));
    // Old pods that still end are not counted any more.
    let ending =
        json!({"replicas": 3, "updatedReplicas": 3, "availableReplicas": 3, "terminatingReplicas": 2});
    assert_eq!(judged(&three, ending), Standing::Complete);
    let paused = json!({"replicas": 3, "paused": true});
    let none = json!({"replicas": 3, "availableReplicas": 3});
    assert_eq!(judged(&paused, none), waiting("it is paused: 0 of 3 replicas are new"));
    assert_eq!(judged(&json!({"replicas": 0}), json!({})), Standing::Complete);
    assert_eq!(judged(&json!({}), json!({})), waiting("0 of 1 replicas are new"));
}

#[test]
fn pods_that_cannot_be_made_are_told_with_the_reason() {
    let quota = "pods \"web-1\" is forbidden: exceeded quota: pods";
    let failure =
        json!({"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": quota});
    let of = |conditions: Value| {
        let status = json!({"replicas": 3, "availableReplicas": 3, "conditions": conditions});
        judge(Kind::Deployment, &of(&json!({"replicas": 3, "progressDeadlineSeconds": 600}), &status), 2)
    };
    let text = format!("0 of 3 replicas are new; pods cannot be made: FailedCreate: {quota}");
    assert_eq!(of(json!([failure])), waiting(&text));
    let late = json!({"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"});
    let text = format!("it has exceeded its progress deadline of 600 s: {text}");
    assert_eq!(of(json!([late, failure])), failed(&text));
}
