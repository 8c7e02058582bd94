//! A probe's fields in the configuration.

use std::time::Duration;

use super::{Probe, UrlTemplate, duration};
use crate::config::fields::Fields;
use crate::rule::Template;

/// What is a good status when nothing is said.
const EXPECTED: u16 = 200;

/// How long there may be too few good answers when nothing is said.
const WITHIN: Duration = Duration::from_secs(45);

/// From one try to the next when nothing is said.
const EVERY: Duration = Duration::from_secs(3);

/// How long an answer may take when nothing is said.
const MAX_LATENCY: Duration = Duration::from_secs(2);

/// How many good answers in a row are enough when nothing is said.
const CONSECUTIVE: u32 = 3;

/// The most tries in a row that may be asked for.
const MOST: u64 = 1000;

/// The shortest time from one try to the next.
const LEAST_EVERY: Duration = Duration::from_millis(10);

impl Probe {
    /// Reads the fields of a probe; others of the same mapping are the caller's.
    pub fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let url = fields
            .required("url")
            .and_then(|text| UrlTemplate::parse(&text).map_err(|why| fields.mistake("url", why)).ok());
        let allow_local = fields.flag("allowLocal").unwrap_or(false);
        if let Some(url) = &url {
            judge_local(fields, url, allow_local);
        }
        let expect = expect(fields);
        let contains = contains(fields);
        let within = time(fields, "within", WITHIN);
        let every = fields.duration("every").unwrap_or(EVERY);
        if every < LEAST_EVERY {
            fields.mistake("every", "leaves no pause between two tries: give at least 10ms");
        }
        let max_latency = time(fields, "maxLatency", MAX_LATENCY);
        let consecutive = fields.number("consecutive", 1, MOST).and_then(|number| u32::try_from(number).ok());
        let consecutive = consecutive.unwrap_or(CONSECUTIVE);
        let least = every.saturating_mul(consecutive - 1);
        if !within.is_zero() && within < least {
            let text = format!(
                "{consecutive} tries, one every {}, take {}: give more time, or ask for less",
                duration(every),
                duration(least)
            );
            fields.mistake("within", text);
        }
        Some(Self {
            url: url?,
            allow_local,
            expect: expect?,
            contains,
            within,
            every,
            max_latency,
            consecutive,
        })
    }
}

/// What stands for this very machine must be meant, and only that: whoever reads the file shall see it.
fn judge_local(fields: &Fields<'_>, url: &UrlTemplate, allow_local: bool) {
    match (url.local(), allow_local) {
        (Some(what), false) => {
            fields.mistake("url", format!("its host is {what}; if that is meant, add allowLocal: true"));
        }
        (None, true) => fields.mistake(
            "allowLocal",
            "is only for a URL whose host is written as localhost or as a local address: leave it out",
        ),
        _ => {}
    }
}

/// One status or a list of them.
fn expect(fields: &mut Fields<'_>) -> Option<Vec<u16>> {
    let Some(node) = fields.node("expect") else { return Some(vec![EXPECTED]) };
    let one = std::slice::from_ref(node.value());
    let items = node.value().as_sequence().map_or(one, Vec::as_slice);
    let status = |item: &serde_yaml::Value| {
        item.as_u64()
            .filter(|status| (200..=599).contains(status))
            .and_then(|status| u16::try_from(status).ok())
    };
    let statuses: Option<Vec<_>> = items.iter().map(status).collect();
    let statuses = statuses.filter(|statuses| !statuses.is_empty());
    if statuses.is_none() {
        fields.mistake("expect", "must be a status from 200 to 599, or a list such as [200, 204]");
    }
    statuses
}

fn contains(fields: &mut Fields<'_>) -> Option<Template> {
    let text = fields.string("contains")?;
    if text.is_empty() {
        fields.mistake("contains", "is empty: leave it out if the body does not matter");
    }
    Template::parse(&text).map_err(|why| fields.mistake("contains", why)).ok()
}

/// A time that must not be zero.
fn time(fields: &mut Fields<'_>, name: &'static str, default: Duration) -> Duration {
    let time = fields.duration(name).unwrap_or(default);
    if time.is_zero() {
        fields.mistake(name, "leaves no time");
    }
    time
}

#[cfg(test)]
mod tests;
