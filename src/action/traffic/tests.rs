use serde_json::{Value, json};

use super::super::testing::{context, parse, pushed, read};
use super::*;
use crate::kubernetes::Kind;
use crate::run::outcome::Outcome;

const GAME: &str = "namespace: shop\nservice: ksvc/game\nsteps: [10, 50, 100]\n";

fn action(text: &str) -> Traffic {
    let (action, mistakes) = read(text, Traffic::read);
    assert_eq!(mistakes, [] as [&str; 0]);
    action.unwrap()
}

/// A service that asks for this traffic, and whose status shows that; its newest revision is `game-2`.
fn game(image: &str, asked: &Value, shown: &Value) -> Value {
    json!({
        "metadata": {"name": "game", "resourceVersion": "7", "generation": 3},
        "spec": {
            "template": {"spec": {"containers": [{"image": image, "imagePullPolicy": "Always"}]}}, "traffic": asked,
        },
        "status": {
            "observedGeneration": 3, "traffic": shown, "latestCreatedRevisionName": "game-2",
            "latestReadyRevisionName": "game-2", "conditions": [{"type": "Ready", "status": "True"}],
        },
    })
}

fn latest() -> Value {
    json!([{"latestRevision": true, "percent": 100}])
}

fn shown(shares: &[(&str, i64)]) -> Value {
    shares.iter().map(|(revision, percent)| json!({"revisionName": revision, "percent": percent})).collect()
}

/// The images that change and the revision that is pinned; else how it ends.
fn planned(text: &str, object: Value, held: Option<&str>) -> Result<(String, String), (Outcome, String)> {
    let event = pushed("ghcr.io/acme/game", "2");
    let mut context = context(&event, Some("2"), None);
    context.held = held.map(str::to_owned);
    let workload = Workload::new("shop", Kind::Ksvc, "game").unwrap();
    match action(text).plan(&workload, &parse(object), &context) {
        Ok(Plan::Change(What::Traffic { changes, handover, .. })) => {
            let images: Vec<_> =
                changes.iter().map(|change| format!("{} {}", change.from, change.to)).collect();
            Ok((images.join(","), handover.old().to_owned()))
        }
        Ok(Plan::Change(other)) => panic!("{other:?}"),
        Ok(Plan::Nothing(done)) => Err((done.outcome, done.reason)),
        Err(failure) => Err((Outcome::Failed, failure.reason)),
    }
}

#[test]
fn the_revision_that_serves_is_pinned() {
    let images = "GHCR.io/acme/game:1 GHCR.io/acme/game:2";
    for (asked, shares, old) in [
        (latest(), &[("game-2", 100)][..], "game-2"),
        // The newest is not ready yet, or was not good.
        (latest(), &[("game-1", 100)], "game-1"),
        (json!([{"revisionName": "game-1", "percent": 100}]), &[("game-1", 100)], "game-1"),
        (json!(null), &[], "game-2"),
    ] {
        let planned = planned(GAME, game("GHCR.io/acme/game:1", &asked, &shown(shares)), None);
        assert_eq!(planned, Ok((images.to_owned(), old.to_owned())), "{asked}");
    }
}

#[test]
fn an_image_that_is_given_is_taken_as_it_is() {
    for (image, running, to) in [
        ("${image}:${tag}", "GHCR.io/acme/game:1", "ghcr.io/acme/game:2"),
        ("mirror.example/${repository}:${tag}", "ghcr.io/acme/game:1", "mirror.example/acme/game:2"),
    ] {
        let text = format!("{GAME}image: \"{image}\"\n");
        let planned = planned(&text, game(running, &latest(), &shown(&[("game-2", 100)])), None);
        assert_eq!(planned.unwrap().0, format!("{running} {to}"));
    }
}

#[test]
fn what_is_there_and_serves_is_unchanged_and_what_does_not_serve_goes_on() {
    let there = |asked: Value, shares: &[(&str, i64)], held| {
        planned(GAME, game("ghcr.io/acme/game:2", &asked, &shown(shares)), held)
    };
    let (outcome, why) = there(latest(), &[("game-2", 100)], None).unwrap_err();
    assert_eq!((outcome, why.as_str()), (Outcome::Unchanged, "ghcr.io/acme/game:2 runs already"));
    let pinned = json!([{"revisionName": "game-1", "percent": 100}]);
    let split = json!([{"revisionName": "game-1", "percent": 90}, {"revisionName": "game-2", "percent": 10}]);
    for (asked, shares) in
        [(pinned.clone(), &[("game-1", 100)][..]), (split, &[("game-1", 90), ("game-2", 10)])]
    {
        let expected = ("ghcr.io/acme/game:2 ghcr.io/acme/game:2".to_owned(), "game-1".to_owned());
        assert_eq!(there(asked, shares, None), Ok(expected));
    }
    assert_eq!(there(pinned, &[("game-1", 100)], Some("it failed")).unwrap_err().0, Outcome::Held);
}

#[test]
fn what_cannot_be_pinned_is_left_alone() {
    let split = [("game-0", 50), ("game-1", 50)];
    let asked = json!([{"revisionName": "game-0", "percent": 50}, {"revisionName": "game-1", "percent": 50}]);
    let (outcome, why) =
        planned(GAME, game("ghcr.io/acme/game:1", &asked, &shown(&split)), None).unwrap_err();
    assert_eq!(outcome, Outcome::Failed);
    assert!(
        why.contains("its traffic is split: game-0 (50 %) and game-1 (50 %); give all of it to one"),
        "{why}"
    );
    let mut fresh = game("ghcr.io/acme/game:1", &latest(), &json!([]));
    fresh["status"]["latestReadyRevisionName"] = json!(null);
    let (_, why) = planned(GAME, fresh, None).unwrap_err();
    assert!(why.contains("set its first image with setImage"), "{why}");
    let mut unseen = game("ghcr.io/acme/game:1", &latest(), &shown(&[("game-2", 100)]));
    unseen["metadata"]["generation"] = json!(4);
    let (_, why) = planned(GAME, unseen, None).unwrap_err();
    assert!(why.contains("has not seen its last change"), "{why}");
}

#[test]
fn every_mistake_is_told() {
    let steps = "steps: must be a list of whole numbers from 1 to 100 that grow and end with 100";
    for (text, told) in [
        ("service: ksvc/game\nsteps: [100]", "namespace is missing"),
        ("namespace: a\nsteps: [100]", "service is missing"),
        ("namespace: a\nservice: deployment/web\nsteps: [100]", "only a Knative Service has traffic"),
        ("namespace: a\nservice: game\nsteps: [100]", "must be TYPE/NAME"),
        ("namespace: a\nservice: ksvc/game", "steps is missing: such as [10, 50, 100]"),
        ("namespace: a\nservice: ksvc/game\nsteps: []", steps),
        ("namespace: a\nservice: ksvc/game\nsteps: 100", steps),
        ("namespace: a\nservice: ksvc/game\nsteps: [10, 50]", steps),
        ("namespace: a\nservice: ksvc/game\nsteps: [50, 10, 100]", steps),
        ("namespace: a\nservice: ksvc/game\nsteps: [50, 50, 100]", steps),
        ("namespace: a\nservice: ksvc/game\nsteps: [0, 100]", steps),
        ("namespace: a\nservice: ksvc/game\nsteps: [100, 101]", steps),
        ("namespace: a\nservice: ksvc/game\nsteps: [100]\nevery: soon", "every: must be a duration"),
        ("namespace: a\nservice: ksvc/game\nsteps: [100]\nwithin: 0s", "within: leaves no time"),
        (
            "namespace: a\nservice: ksvc/game\nsteps: [100]\nonFailure: undo",
            "onFailure: \"undo\" is not known",
        ),
        ("namespace: a\nservice: ksvc/game\nsteps: [100]\nimage: \"UPPER CASE\"", "image: "),
        ("namespace: a\nservice: ksvc/game\nsteps: [100]\nimage: \"${imag}\"", "${imag} is not a variable"),
        ("namespace: a\nservice: ksvc/game\nsteps: [100]\ncheck: {expect: 200}", "check: url is missing"),
        (
            "namespace: a\nservice: ksvc/game\nsteps: [100]\nstep: 1",
            "step: is not a field here; did you mean steps?",
        ),
    ] {
        let (_, mistakes) = read(text, Traffic::read);
        assert!(mistakes.len() == 1 && mistakes[0].contains(told), "{text}: {mistakes:?}");
    }
}

#[test]
fn what_is_not_said_is_rolled_back_and_kept_with_each_run() {
    let plain = action(GAME);
    assert_eq!(plain.rollout().on_failure, OnFailure::Rollback);
    assert_eq!(plain.every(), Duration::from_secs(60));
    let json = serde_json::to_string(&plain).unwrap();
    assert_eq!(serde_json::from_str::<Traffic>(&json).unwrap(), plain);
}
