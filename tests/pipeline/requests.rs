//! A request for one environment.

use super::*;

#[test]
fn the_payload_of_a_job_changes_development_alone() {
    let world = World::start();
    let relay = world.setup().start();
    let delivery = request("123456-1", &json!({}));
    let (status, outcome, answer) = ended(&relay, &delivery);
    assert_eq!((status, outcome.as_str()), (200, "succeeded"), "{answer}");
    assert_eq!(
        (answer["deployment_id"].as_str(), world.tags()),
        (Some("123456-1"), ["tag", "1", "1"].map(str::to_owned))
    );
    assert_eq!(world.site.asked(), ["/dev"]);
    // Signed again: the same result.
    let (status, _, again) = ended(&relay, &request("123456-1", &json!({})));
    assert_eq!((status, again, world.kube.patches().len()), (200, answer, 1));
    let mut wrong = delivery;
    wrong.body.push(b' ');
    assert_eq!(wrong.send(&relay).status, 401);
}

#[test]
fn each_environment_can_be_asked_for() {
    let world = World::start();
    let relay = world.setup().start();
    let to = |id: &str, environment: &str, short: &str, more: &[(&str, &str)]| {
        let name = format!("game-2048-{short}");
        let mut fields = json!({"environment": environment, "namespace": name, "service_name": name});
        for (field, value) in more {
            fields[*field] = json!(value);
        }
        ended(&relay, &request(id, &fields))
    };
    let (_, outcome, answer) = to("1", "staging", "staging", &[]);
    assert_eq!(
        (outcome.as_str(), world.tags()),
        ("succeeded", ["1", "tag", "1"].map(str::to_owned)),
        "{answer}"
    );

    let yes = ("confirmation", "DEPLOY");
    let (_, outcome, answer) = to("2", "production", "prod", &[yes]);
    assert_eq!((outcome.as_str(), world.tags()[2].as_str()), ("succeeded", "tag"), "{answer}");
    assert_eq!(world.asked().len(), 0, "at once");

    let next = ("image", "ghcr.io/owner/repo:next");
    let (_, outcome, answer) =
        to("3", "production", "prod", &[yes, next, ("deployment_strategy", "blue-green")]);
    assert_eq!((outcome.as_str(), world.tags()[2].as_str()), ("succeeded", "next"), "{answer}");
    assert_eq!(world.asked().len(), WAY.len(), "step by step");

    for (id, environment, short, more) in [
        ("4", "staging", "prod", next),
        ("5", "development", "dev", ("deployment_strategy", "blue-green")),
        ("6", "development", "dev", ("image", "ghcr.io/owner/other:tag")),
    ] {
        let (status, outcome, answer) = to(id, environment, short, &[more]);
        assert_eq!((status, outcome.as_str()), (200, "ignored"), "{answer}");
    }
    assert_eq!(world.tags(), ["1", "tag", "next"].map(str::to_owned));
}
