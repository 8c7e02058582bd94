//! From a decoded delivery to runs: which rules match, and what each run carries along.

use std::net::IpAddr;
use std::sync::Arc;

use jiff::Timestamp;

use super::record::{Lane, Origin, Run, RunId, Timing};
use crate::config::{Config, Endpoint, Rule, Waits};
use crate::event::Event;
use crate::rule::Subject;
use crate::source::draft::random_uuid;
use crate::source::{Decoded, Identity};
use crate::text::shorten;

/// The longest delivery id that is taken over from a sender, in bytes.
const LONGEST_ID: usize = 128;

/// How many events of a delivery are kept, and how many tags of each.
const EVENTS: usize = 32;

/// How many reasons for nothing happening are told.
const REASONS: usize = 20;

/// What a delivery leads to.
#[derive(Debug)]
pub struct Planned {
    /// The delivery's id.
    pub delivery: String,
    /// One for each rule and event that match.
    pub runs: Vec<Arc<Run>>,
    /// Why there is no run, when there is none.
    pub reason: String,
}

/// What is known of a delivery besides what it says.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// When it was received.
    pub received: Timestamp,
    /// The address that it came from.
    pub from: Option<IpAddr>,
    /// What it is known by when it comes again; empty if by nothing but its id.
    pub mark: String,
}

/// Applies an endpoint's rules to what a delivery says.
pub fn plan(
    config: &Config,
    endpoint: &Endpoint,
    decoded: &Decoded,
    arrival: Arrival,
    mut next_id: impl FnMut() -> RunId,
) -> Planned {
    let mut planned =
        Planned { delivery: delivery_id(&decoded.identity), runs: Vec::new(), reason: String::new() };
    let mut reasons = Vec::new();
    let origin = Arc::new(Origin {
        id: planned.delivery.clone(),
        endpoint: endpoint.name.clone(),
        source: endpoint.source.name.to_owned(),
        received: arrival.received,
        from: arrival.from,
        actor: decoded.actor.as_deref().map(shorten),
        mark: if arrival.mark.is_empty() { planned.delivery.clone() } else { arrival.mark },
        events: kept(&decoded.events),
    });
    for event in &decoded.events {
        let Some(subject) = Subject::of(event) else {
            if let Event::Ignored { reason } = event {
                reasons.push(reason.clone());
            }
            continue;
        };
        for rule in &endpoint.rules {
            let verdict = rule.when.judge(event);
            if verdict.matched() {
                let timing = timing(endpoint, rule, config.waits);
                let mut run = run(next_id(), &origin, rule, event, &subject, verdict.tag(), timing);
                run.mutable = run.tag.as_ref().is_some_and(|tag| config.mutable_tags.contains(tag));
                keep(&mut planned.runs, run);
            } else if reasons.len() < REASONS {
                reasons.push(format!("rule {}: {}", rule.number, verdict.why()));
            }
        }
    }
    if endpoint.rules.is_empty() && reasons.is_empty() {
        reasons.push("the endpoint has no rules".to_owned());
    }
    planned.reason = reasons.join("; ");
    planned
}

/// What is kept of the events, so that they can be planned again: not every tag of a push of very many.
fn kept(events: &[Event]) -> Vec<Event> {
    let led_somewhere = |event: &&Event| Subject::of(event).is_some();
    let mut kept: Vec<_> = events.iter().filter(led_somewhere).take(EVENTS).cloned().collect();
    for event in &mut kept {
        if let Event::Image(image) = event {
            image.tags.truncate(EVENTS);
        }
    }
    kept
}

fn run(
    id: RunId,
    origin: &Arc<Origin>,
    rule: &Rule,
    event: &Event,
    subject: &Subject,
    tag: Option<&str>,
    timing: Timing,
) -> Run {
    let mut event = event.clone();
    if let (Event::Image(image), Some(tag)) = (&mut event, tag) {
        // What the rule did not choose is of no more use.
        image.tags = vec![tag.to_owned()];
    }
    let by_tag = tag.filter(|_| rule.is_by_tag()).unwrap_or_default();
    // Runs that start at once stand in no line.
    let alone = if timing.settle.is_none() { id.0.to_le_bytes().to_vec() } else { Vec::new() };
    let subject_text = subject.to_string();
    let number = rule.number.to_le_bytes();
    let parts: [&[u8]; 6] = [
        origin.endpoint.as_bytes(),
        &number,
        rule.fingerprint.as_bytes(),
        subject_text.as_bytes(),
        by_tag.as_bytes(),
        &alone,
    ];
    Run {
        id,
        delivery: Arc::clone(origin),
        rule: rule.number,
        event,
        subject: subject.clone(),
        lane: Lane::of(&parts),
        tag: tag.map(str::to_owned),
        policy: rule.when.tag_policy().cloned(),
        actions: Arc::clone(&rule.actions),
        timing,
        mutable: false,
    }
}

/// Adds a run, unless another one of the same delivery stands for it: of several tags pushed at once to one
/// lane the highest counts, else the last.
fn keep(runs: &mut Vec<Arc<Run>>, run: Run) {
    match runs.iter_mut().find(|other| other.lane == run.lane) {
        Some(other) if run.is_lower_than(other) => {}
        Some(other) => *other = Arc::new(run),
        None => runs.push(Arc::new(run)),
    }
}

/// The sender's id where it has a usable one, else one that is made up.
fn delivery_id(identity: &Identity) -> String {
    match identity {
        Identity::Id(id) | Identity::IdOrBody(id)
            if (1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic()) =>
        {
            id.clone()
        }
        _ => random_uuid(),
    }
}

fn timing(endpoint: &Endpoint, rule: &Rule, waits: Waits) -> Timing {
    let millis = |duration: std::time::Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4);
    let settle = match (endpoint.flux_recv, rule.settles()) {
        (true, _) => None,
        (false, true) => Some(millis(waits.settle)),
        (false, false) => Some(0),
    };
    Timing { settle, max_wait: millis(waits.max_wait), retry_for: millis(waits.retry_for) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Overrides;
    use crate::event::ImagePushed;
    use crate::image::Repository;

    /// A configuration with one Quay endpoint and these rules.
    fn config(name: &str, rules: &str) -> Config {
        let directory = std::env::temp_dir().join(format!("boathook-plan-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join("k.key"), "0123456789abcdef0123456789abcdef").unwrap();
        let text = format!(
            "version: 1\nendpoints:\n- {{name: quay, source: Quay, keyPath: k.key, rules: [{rules}]}}\n"
        );
        std::fs::write(directory.join("c.yaml"), text).unwrap();
        let loaded = Config::load(&directory.join("c.yaml"), &Overrides::default());
        std::fs::remove_dir_all(&directory).unwrap();
        loaded.config.unwrap_or_else(|| panic!("{:?}", loaded.findings.mistakes))
    }

    fn pushed(tags: &[&str]) -> Event {
        let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
        let repository = Repository::parse("quay.io/acme/web").unwrap();
        Event::Image(ImagePushed { repository, tags, digest: None })
    }

    fn planned(config: &Config, events: Vec<Event>) -> Vec<Arc<Run>> {
        let decoded = Decoded { events, identity: Identity::Unknown, actor: None };
        let mut id = 0;
        let next_id = || {
            id += 1;
            RunId(id)
        };
        let arrival = Arrival { received: Timestamp::UNIX_EPOCH, from: None, mark: String::new() };
        plan(config, &config.endpoints[0], &decoded, arrival, next_id).runs
    }

    const SET: &str = "setImage: {namespace: a, runningImage: true}";

    #[test]
    fn of_several_tags_of_one_delivery_the_highest_runs_and_supersedes_nothing() {
        let config = config("tags", &format!("{{when: {{tag: {{semver: '>=1.0'}}}}, do: [{SET}]}}"));
        let runs = planned(&config, vec![pushed(&["1.2.0"]), pushed(&["1.10.0"]), pushed(&["1.9.0"])]);
        let tags: Vec<_> = runs.iter().filter_map(|run| run.tag.as_deref()).collect();
        assert_eq!(tags, ["1.10.0"]);
    }

    #[test]
    fn a_run_keeps_only_the_tag_that_was_chosen() {
        let config = config("chosen", &format!("{{when: {{tag: 'v*'}}, do: [{SET}]}}"));
        let runs = planned(&config, vec![pushed(&["v1", "latest", "v2"])]);
        assert_eq!(runs[0].event, pushed(&["v2"]));
    }

    #[test]
    fn another_rule_of_the_same_number_supersedes_nothing() {
        let lane = |name, rules: &str| planned(&config(name, rules), vec![pushed(&["v1"])])[0].lane;
        let set = format!("{{do: [{SET}]}}");
        let restart = "{do: [restart: {namespace: a, runningImage: true}]}";
        assert_eq!(lane("one", &set), lane("same", &set));
        assert_ne!(lane("before", &set), lane("after", restart));
    }

    #[test]
    fn an_image_with_its_tag_is_not_another_thing_for_each_tag() {
        let rules =
            "{do: [traffic: {namespace: a, service: ksvc/game, image: '${image}:${tag}', steps: [100]}]}";
        let config = config("traffic", rules);
        let lane = |tag| planned(&config, vec![pushed(&[tag])])[0].lane;
        assert_eq!(lane("v1"), lane("v2"), "a newer one takes the place of one that waits");
        let rules = "{do: [traffic: {namespace: a, service: 'ksvc/game-${tag}', steps: [100]}]}";
        assert_eq!(
            planned(&self::config("by-service", rules), vec![pushed(&["a"]), pushed(&["b"])]).len(),
            2
        );
    }

    #[test]
    fn where_the_tag_names_the_target_each_tag_is_a_subject_of_its_own() {
        let rules = "{do: [restart: {namespace: a, workloads: ['deployment/web-${tag}']}]}";
        let config = config("by-tag", rules);
        let runs = planned(&config, vec![pushed(&["dev"]), pushed(&["prod"])]);
        assert_eq!(runs.len(), 2);
    }
}
