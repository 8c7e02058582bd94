//! `boathook explain`: what a delivery would do, without doing it.

use std::fmt::Write as _;
use std::path::PathBuf;

use argh::FromArgs;
use jiff::Timestamp;
use serde::Serialize;

use super::account::LONGEST;
use super::{Exit, block_on, check, complain, pretty, print, send};
use crate::action::{Api, Note, Outlook, Preview};
use crate::config::{Config, Endpoint, Overrides};
use crate::event::Event;
use crate::rule::Verdict;
use crate::run::plan::{self, Arrival};
use crate::run::record::RunId;
use crate::source::{self, Decoded, Delivery, Proof, Refusal, Undecodable, Verified, fetch};
use crate::text::{escape_json, printable};

/// Show what a delivery would do, without doing it.
#[derive(FromArgs)]
#[argh(
    subcommand,
    name = "explain",
    usage = "--config FILE --endpoint NAME [options] < body",
    example = "{command_name} --config config.yaml --endpoint ghcr \\\n  --header X-GitHub-Event:package --json < body.json",
    note = "Tells whether the delivery verifies (and goes on if it does not), what it\nsays, which rules match and why, and the exact requests that would change\nsomething. The body is read from standard input."
)]
pub(super) struct Explain {
    /// the configuration file
    #[argh(option)]
    config: PathBuf,
    /// the endpoint's name
    #[argh(option)]
    endpoint: String,
    /// a header of the delivery, NAME:VALUE; can be given several times
    #[argh(option)]
    header: Vec<String>,
    /// print JSON
    #[argh(switch)]
    json: bool,
    /// look targets up in the cluster, which changes nothing there
    #[argh(switch)]
    live: bool,
    /// the Kubernetes API for --live, in the place of kubernetes.api
    #[argh(option)]
    kube_api: Option<String>,
}

/// The explanation; its JSON is a contract.
#[derive(Serialize)]
struct Explanation {
    verification: &'static str,
    events: Vec<Event>,
    rules: Vec<RuleVerdict>,
    requests: Vec<Preview>,
    /// What would not be changed, and why: not part of the contract, and absent if there is nothing to say.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<Note>,
}

#[derive(Serialize)]
struct RuleVerdict {
    endpoint: String,
    rule: usize,
    matched: bool,
    why: String,
}

impl Explain {
    pub(super) fn run(self) -> Exit {
        let overrides = Overrides { kube_api: self.kube_api.clone(), ..Overrides::default() };
        let loaded = Config::load(&self.config, &overrides);
        let Some(config) = &loaded.config else {
            check::report(&loaded);
            return Exit::Usage;
        };
        let asked = send::endpoint(config, &self.endpoint).and_then(|endpoint| {
            Ok((endpoint, source::headers(&send::headers(&self.header)?)?, send::read_body()?))
        });
        let (endpoint, headers, body) = match asked {
            Ok(asked) => asked,
            Err(why) => {
                complain(&why);
                return Exit::Usage;
            }
        };
        let delivery = Delivery { headers: &headers, body: &body };
        match block_on(explain(config, endpoint, &delivery, self.live)) {
            Ok((explanation, malformed)) => {
                print(&if self.json { pretty(&explanation) } else { explanation.text() });
                let Some(why) = malformed else { return Exit::Done };
                complain(&printable(&why, LONGEST));
                Exit::Failed
            }
            Err(why) => {
                complain(&why);
                Exit::Failed
            }
        }
    }
}

/// The explanation, and what is wrong with a body that is malformed.
async fn explain(
    config: &Config,
    endpoint: &Endpoint,
    delivery: &Delivery<'_>,
    live: bool,
) -> Result<(Explanation, Option<String>), String> {
    let now = Timestamp::now();
    if live && let Some(key_set) = endpoint.receiver.key_set() {
        fetch::now(key_set).await?;
    }
    let verification = verification(endpoint, delivery, now);
    let decoded = match source::decode(endpoint.receiver.as_ref(), &Verified::waived(delivery)) {
        Ok(decoded) => decoded,
        Err(Undecodable::Malformed(place)) => {
            let why = format!("the delivery would be answered 400: {place}");
            return Ok((Explanation::malformed(verification, endpoint, &why), Some(why)));
        }
        Err(Undecodable::UnknownShape(place)) => {
            Decoded::ignored(format!("a shape that is not known: {place}"))
        }
    };
    let mut number = 0;
    let arrival = Arrival { received: now, from: None, mark: String::new() };
    let planned = plan::plan(config, endpoint, &decoded, arrival, || {
        number += 1;
        RunId(number)
    });
    let api = if live { Some(Api::new(&config.kubernetes, &config.flux)?) } else { None };
    let outlook = Outlook { kubernetes: &config.kubernetes, flux: &config.flux, live: api.as_ref() };
    let (mut requests, mut notes) = (Vec::new(), Vec::new());
    for run in &planned.runs {
        let context = run.context();
        for action in run.actions.iter() {
            let previewed = action.preview(&outlook, &context).await;
            requests.extend(previewed.requests);
            notes.extend(previewed.notes);
        }
    }
    let rules = verdicts(endpoint, &decoded.events);
    Ok((Explanation { verification, events: decoded.events, rules, requests, notes }, None))
}

fn verification(endpoint: &Endpoint, delivery: &Delivery<'_>, now: Timestamp) -> &'static str {
    match endpoint.verify(delivery, now) {
        Ok(verified) => match verified.proof() {
            Some(Proof::Path) => "path",
            Some(Proof::Valid) | None => "valid",
        },
        Err(Refusal::Missing) => "missing",
        Err(Refusal::Invalid | Refusal::Unavailable) => "invalid",
    }
}

/// One verdict for each rule, over all events.
fn verdicts(endpoint: &Endpoint, events: &[Event]) -> Vec<RuleVerdict> {
    let verdict = |rule: &crate::config::Rule| {
        let each: Vec<_> = events.iter().map(|event| rule.when.judge(event)).collect();
        let matched = each.iter().any(Verdict::matched);
        let mut why: Vec<_> = each.iter().filter(|v| v.matched() == matched).map(Verdict::why).collect();
        why.dedup();
        RuleVerdict { endpoint: endpoint.name.clone(), rule: rule.number, matched, why: why.join("; ") }
    };
    endpoint.rules.iter().map(verdict).collect()
}

impl Explanation {
    /// Nothing comes of a body that cannot be read, whatever the rules are.
    fn malformed(verification: &'static str, endpoint: &Endpoint, why: &str) -> Self {
        let verdict = |rule: &crate::config::Rule| {
            let (endpoint, why) = (endpoint.name.clone(), why.to_owned());
            RuleVerdict { endpoint, rule: rule.number, matched: false, why }
        };
        let rules = endpoint.rules.iter().map(verdict).collect();
        Self { verification, events: Vec::new(), rules, requests: Vec::new(), notes: Vec::new() }
    }

    fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = writeln!(text, "verification  {}", self.verification);
        for event in &self.events {
            let json = serde_json::to_string(event).unwrap_or_default();
            let _ = writeln!(text, "event         {}", escape_json(json));
        }
        for rule in &self.rules {
            let matched = if rule.matched { "matches" } else { "does not match" };
            let _ = writeln!(text, "rule {:<8} {matched}: {}", rule.rule, printable(&rule.why, LONGEST));
        }
        for request in &self.requests {
            let _ = writeln!(text, "request       {}", escape_json(request.to_string()));
        }
        for note in &self.notes {
            let _ = writeln!(text, "note          {}", printable(&note.to_string(), LONGEST));
        }
        if self.requests.is_empty() {
            text.push_str("request       none\n");
        }
        text
    }
}
