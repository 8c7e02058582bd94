use super::super::testing::{context, deploy, read};
use super::*;
use crate::config::fields::Node;
use crate::config::report::{FieldPath, Report};

fn action(text: &str) -> Action {
    let value: serde_yaml::Value = serde_yaml::from_str(text).unwrap();
    let report = Report::default();
    Action::read(Node::new(&value, &report), &FieldPath::default()).unwrap()
}

#[test]
fn it_is_described_and_kept() {
    let (check, mistakes) = read(
        "{url: 'https://${namespace}.example.com/x?key=secret', onFailure: rollback, within: 90s}",
        Check::read,
    );
    assert_eq!(mistakes, [] as [&str; 0]);
    let check = check.unwrap();
    assert_eq!(
        check.describe(),
        "check https://${namespace}.example.com/x every 3s until it is well 3 times in a row, within 1m 30s, or else \
         put back what was set before it"
    );
    let action = Action::Check(check.clone());
    assert_eq!(serde_json::from_str::<Action>(&serde_json::to_string(&action).unwrap()).unwrap(), action);
    let event = deploy("ghcr.io/acme/web", "1", None);
    let target = |url: &str| action_target(url, &context(&event, None, None));
    assert_eq!(target("https://${namespace}.example.com/x?key=secret"), "https://shop.example.com/x");
    assert_eq!(
        target("https://${image}.example.com/"),
        "https://${image}.example.com/",
        "it fails for that later"
    );
}

fn action_target(url: &str, context: &Context<'_>) -> String {
    let (check, _) = read(&format!("url: '{url}'"), Check::read);
    check.unwrap().target(context).full_name()
}

#[test]
fn every_mistake_is_told() {
    for (text, told) in [
        ("{url: 'https://example.com', onFailure: undo}", "onFailure: \"undo\" is not known"),
        ("{url: 'https://a:b@example.com'}", "url: has credentials before the host"),
        ("{url: 'https://example.com', rollout: none}", "rollout: is not a field here"),
    ] {
        let (_, mistakes) = read(text, Check::read);
        assert!(mistakes.len() == 1 && mistakes[0].contains(told), "{text}: {mistakes:?}");
    }
}

#[test]
fn what_is_undone_is_the_last_step_before_it_that_can_be() {
    let set = "setImage: {namespace: a, workloads: [deployment/web]}";
    let restart = "restart: {namespace: a, workloads: [deployment/web]}";
    let keep = "check: {url: 'https://example.com'}";
    let back = "check: {url: 'https://example.com', onFailure: rollback}";
    let undone = |texts: &[&str]| {
        let actions: Vec<_> = texts.iter().map(|text| action(text)).collect();
        undone_by(&actions, actions.len() - 1)
    };
    assert_eq!(undone(&[set, restart, back]), Some(0));
    assert_eq!(undone(&[set, back, set, keep, back]), Some(2));
    assert_eq!(undone(&[restart, back]), None);
    assert_eq!(undone(&[set, keep]), None);
    assert_eq!(undone(&[set]), None);
}
