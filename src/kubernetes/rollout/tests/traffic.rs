use super::*;
use crate::kubernetes::object::Shares;

/// A service whose traffic goes to these revisions, in these conditions.
fn game(shown: &Value, ready: &str, routes: &str) -> Object {
    let condition =
        |kind: &str, status: &str| json!({"type": kind, "status": status, "reason": "Why", "message": kind});
    of(
        &json!({}),
        &json!({
            "traffic": shown, "latestCreatedRevisionName": "game-2", "latestReadyRevisionName": "game-2",
            "conditions": [condition("Ready", ready), condition("RoutesReady", routes)],
        }),
    )
}

fn judged(object: &Object, ready: bool) -> Standing {
    let patched = Patched { generation: 2, ..Patched::default() };
    let shares = Shares::from([("game-1".to_owned(), 90), ("game-2".to_owned(), 10)]);
    judge_traffic(object, &patched, &shares, ready)
}

#[test]
fn traffic_is_there_when_the_status_shows_it() {
    let split = json!([{"revisionName": "game-1", "percent": 90}, {"revisionName": "game-2", "percent": 10}]);
    let before = json!([{"revisionName": "game-1", "percent": 100}]);
    for (shown, ready, routes, expected) in [
        (&split, "True", "True", Standing::Complete),
        (&before, "True", "True", waiting("its traffic still goes to game-1 (100 %)")),
        (&split, "Unknown", "True", waiting("it is not ready yet: Why: Ready")),
        (&split, "False", "True", failed("it is not ready: Why: Ready")),
    ] {
        assert_eq!(judged(&game(shown, ready, routes), true), expected);
    }
}

#[test]
fn on_the_way_back_only_the_traffic_counts() {
    let split = json!([{"revisionName": "game-1", "percent": 90}, {"revisionName": "game-2", "percent": 10}]);
    for (ready, routes, expected) in [
        ("False", "True", Standing::Complete),
        ("Unknown", "Unknown", waiting("its traffic is not there yet")),
        ("False", "False", failed("its traffic does not go there: Why: RoutesReady")),
    ] {
        assert_eq!(judged(&game(&split, ready, routes), false), expected);
    }
    let mut unseen = game(&split, "True", "True");
    unseen.metadata.generation = 3;
    assert_eq!(judged(&unseen, false), waiting(UNSEEN));
}
