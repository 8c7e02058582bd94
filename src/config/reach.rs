//! What can come of a rule on its endpoint: a source tells of some kinds of events only, and some actions need an
//! event with an image.

use std::collections::HashMap;

use jiff::Timestamp;

use super::report::{FieldPath, Report};
use super::rule::Rule;
use crate::image::{Digest, Repository};
use crate::source::draft::SampleEvent;
use crate::source::{Receiver, Sample, Source};

/// The kinds of events of each source that was met so far.
#[derive(Debug, Default)]
pub(super) struct Reach(HashMap<&'static str, Vec<&'static str>>);

impl Reach {
    /// Reports the rules, standing at this path, that can never match or whose actions can never be done.
    pub(super) fn judge(
        &mut self,
        source: &Source,
        receiver: &dyn Receiver,
        rules: &[Rule],
        path: &FieldPath,
        report: &Report,
    ) {
        let told = self.0.entry(source.name).or_insert_with(|| kinds(receiver).unwrap_or_default());
        for (index, rule) in rules.iter().enumerate().filter(|_| !told.is_empty()) {
            let path = path.index(index);
            let possible: Vec<_> = told.iter().copied().filter(|kind| rule.when.wants(kind)).collect();
            if possible.is_empty() {
                let (name, told, wanted) = (source.name, told.join(" and "), rule.when.kinds());
                let text = format!(
                    "can never match: {name} tells of {told} events, and this is for {wanted} events"
                );
                report.mistake(&path.field("when"), text);
                continue;
            }
            if possible.iter().any(|kind| matches!(*kind, "image" | "deploy")) {
                continue;
            }
            for (index, action) in rule.actions.iter().enumerate().filter(|(_, action)| action.needs_image())
            {
                let text = format!("needs an image, and a {} event has none", possible.join(" or "));
                report.mistake(&path.field("do").index(index).field(action.name()), text);
            }
        }
    }
}

/// A source has a sample of each kind of event that it tells of.
fn kinds(receiver: &dyn Receiver) -> Option<Vec<&'static str>> {
    let sample = Sample {
        event: SampleEvent::Ping,
        image: Repository::parse("registry.example.com/acme/web").ok()?,
        tag: "latest".to_owned(),
        digest: Digest::parse(&format!("sha256:{}", "0".repeat(64)))?,
        repository: "acme/web".to_owned(),
        branch: "main".to_owned(),
        commit: "0".repeat(40),
    };
    let told = |event| receiver.sample(&Sample { event, ..sample.clone() }, Timestamp::now()).is_some();
    let acted_on = SampleEvent::WORDS.into_iter().filter(|(_, event)| *event != SampleEvent::Ping);
    Some(acted_on.filter(|(_, event)| told(*event)).map(|(word, _)| word).collect())
}
