//! `/metrics`: what was counted, and what the configuration and the engine say now.

use crate::action::Action;
use crate::metrics::{Facts, Format, page};
use crate::server::App;
use crate::server::answer::Answer;

pub(super) fn answer(app: &App, format: Format) -> Answer {
    let (config, engine) = (app.config(), &app.engine);
    let rules = config.endpoints.iter().flat_map(|endpoint| &endpoint.rules);
    let mut actions: Vec<_> = rules.flat_map(|rule| rule.actions.iter()).map(Action::name).collect();
    actions.sort_unstable();
    actions.dedup();
    let facts = Facts {
        endpoints: config.endpoints.iter().map(|endpoint| endpoint.name.as_str()).collect(),
        actions,
        pending: engine.pending(),
        oldest: engine.oldest_pending(),
        holds: engine.held_versions(),
        journal: engine.journal_state(),
        api: engine.api().kubernetes.availability(),
    };
    Answer::page(format.content_type(), page(&engine.metrics, &facts, format))
}
