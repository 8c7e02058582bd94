//! The page of `/metrics`: what was counted, and what is asked of others when somebody looks.

use jiff::Timestamp;

use super::catalogue as c;
use super::exposition::{Format, Writer};
use super::process;
use super::{Commits, Metrics, seconds_since};

/// What others know, at the moment of looking.
#[derive(Debug)]
pub struct Facts<'a> {
    /// The names of all endpoints.
    pub endpoints: Vec<&'a str>,
    /// The names of all actions that the configuration has.
    pub actions: Vec<&'static str>,
    /// How many runs have not ended.
    pub pending: usize,
    /// When the oldest of their deliveries was received.
    pub oldest: Option<Timestamp>,
    /// How many versions are held.
    pub holds: usize,
    /// Nothing where work is kept in memory only.
    pub journal: Option<Journal<'a>>,
    /// The Kubernetes API.
    pub api: Api,
}

/// A journal on disk.
#[derive(Debug)]
pub struct Journal<'a> {
    /// Whether it can be written.
    pub up: bool,
    /// How its commits went.
    pub commits: &'a Commits,
}

/// What is known of an API by the requests to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Api {
    /// Whether it answered the last request; `None` before the first.
    pub up: Option<bool>,
    /// When it answered last.
    pub answered: Option<Timestamp>,
}

/// Writes the page.
pub fn page(metrics: &Metrics, facts: &Facts<'_>, format: Format) -> String {
    let mut page = Writer::new(format);
    page.metric(&c::BUILD).put(&[&env!("CARGO_PKG_VERSION")], 1);
    deliveries(&mut page, metrics, facts);
    runs(&mut page, metrics, facts);
    journal(&mut page, facts.journal.as_ref());
    page.metric(&c::RELOADS)
        .put(&[&"ok"], metrics.reloads.get())
        .put(&[&"refused"], metrics.refused_reloads.get());
    page.metric(&c::API_UP).if_known(facts.api.up.map(u8::from));
    page.metric(&c::API_ANSWER).if_known(facts.api.answered.map(seconds));
    page.metric(&c::STARTED).put(&[], seconds(metrics.started));
    page.metric(&c::MEMORY).if_known(process::resident_memory());
    page.metric(&c::FILES).if_known(process::open_files());
    page.finish()
}

fn deliveries(page: &mut Writer, metrics: &Metrics, facts: &Facts<'_>) {
    let endpoints: Vec<_> = facts.endpoints.iter().map(|name| (name, metrics.endpoints.of(name))).collect();
    let mut answers = page.metric(&c::DELIVERIES);
    for (name, counts) in &endpoints {
        for (code, count) in &counts.answers {
            answers.put(&[name, code], count);
        }
    }
    let mut unverified = page.metric(&c::UNVERIFIED);
    for (name, counts) in &endpoints {
        unverified.put(&[name], counts.unverified);
    }
    let mut unknown = page.metric(&c::UNKNOWN_SHAPES);
    for (name, counts) in &endpoints {
        unknown.put(&[name], counts.unknown_shapes);
    }
    let mut since = page.metric(&c::SINCE_DELIVERY);
    for (name, counts) in &endpoints {
        since.put(&[name], seconds_since(counts.last.unwrap_or(metrics.started)));
    }
    page.metric(&c::UNKNOWN_HOOKS).put(&[], metrics.unknown_hooks.get());
}

fn runs(page: &mut Writer, metrics: &Metrics, facts: &Facts<'_>) {
    for (metric, ends) in [(&c::RUNS, &metrics.runs), (&c::TARGETS, &metrics.targets)] {
        let mut samples = page.metric(metric);
        for (action, outcome, count) in ends.counts(&facts.actions) {
            samples.put(&[&action, &outcome], count);
        }
    }
    page.metric(&c::PENDING).put(&[], facts.pending);
    page.metric(&c::OLDEST).put(&[], facts.oldest.map_or(0.0, seconds_since));
    page.metric(&c::HOLDS).put(&[], facts.holds);
    page.metric(&c::CHANGE_DELAY).histogram(&metrics.change_delay);
    page.metric(&c::RUN_DURATION).histogram(&metrics.run_duration);
    page.metric(&c::RETRIES).put(&[], metrics.retries.get());
}

fn journal(page: &mut Writer, journal: Option<&Journal<'_>>) {
    page.metric(&c::JOURNAL_UP).if_known(journal.map(|journal| u8::from(journal.up)));
    let mut commits = page.metric(&c::JOURNAL_COMMIT);
    if let Some(journal) = journal {
        commits.histogram(&journal.commits.time);
    }
    page.metric(&c::JOURNAL_FAILURES).if_known(journal.map(|journal| journal.commits.failures.get()));
}

/// Since 1970, with milliseconds.
fn seconds(at: Timestamp) -> String {
    let millis = at.as_millisecond();
    format!("{}.{:03}", millis / 1000, millis % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_of_the_catalogue_is_on_the_page_once_and_in_order() {
        let metrics = Metrics::default();
        let commits = Commits::default();
        let facts = Facts {
            endpoints: vec!["quay"],
            actions: vec!["restart"],
            pending: 0,
            oldest: None,
            holds: 0,
            journal: Some(Journal { up: true, commits: &commits }),
            api: Api { up: Some(true), answered: Some(Timestamp::UNIX_EPOCH) },
        };
        metrics.endpoints.answered("quay", 202);
        metrics.endpoints.answered("gone", 202);
        let page = page(&metrics, &facts, Format::OpenMetrics);
        let types = page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
        let names: Vec<_> = c::ALL.iter().map(|metric| metric.name).collect();
        assert_eq!(types.collect::<Vec<_>>(), names, "{page}");
        for metric in c::ALL {
            for sample in metric.samples() {
                let has =
                    |line: &str| line.strip_prefix(&sample).is_some_and(|rest| rest.starts_with([' ', '{']));
                assert!(page.lines().any(has), "no sample of {sample}: {page}");
            }
        }
        assert!(!page.contains("gone"), "{page}");
    }
}
