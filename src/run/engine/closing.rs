//! The end of the process: what is due is sent, what is safe is left, what is lost is named.

use std::sync::atomic::Ordering;

use jiff::Timestamp;

use super::Engine;
use crate::action::Action;
use crate::text::Escaped;

impl Engine {
    /// Cuts settling and pauses short and answers who waits. Requests that are under way are still accepted,
    /// since most senders send only once; what comes of them is due at once.
    pub fn close(&self) {
        self.queue().drain(Timestamp::now());
        self.closing.send_replace(true);
        self.wake.notify_one();
    }

    /// Accepts nothing more: [`Engine::work`] ends once nothing is left to do.
    pub fn seal(&self) {
        self.sealed.store(true, Ordering::Relaxed);
        self.wake.notify_one();
    }

    /// Whether [`Engine::close`] was called.
    pub fn is_closing(&self) -> bool {
        *self.closing.borrow()
    }

    /// Resolves when [`Engine::close`] is called.
    pub async fn closed(&self) {
        // It fails only when the sender is gone, and that is self.
        let _ = self.closing.subscribe().wait_for(|closing| *closing).await;
    }

    /// Whether what is pending outlives the process.
    pub fn is_durable(&self) -> bool {
        self.journal.is_durable()
    }

    /// How many changes were given up because the process is ending; each has its line in the log.
    pub fn unsent(&self) -> usize {
        self.unsent.load(Ordering::Relaxed)
    }

    pub(in crate::run) fn count_unsent(&self) {
        self.unsent.fetch_add(1, Ordering::Relaxed);
    }

    /// Logs every run that has not ended: what the end of the process loses, or leaves to the next one.
    pub fn name_what_is_left(&self) {
        let durable = self.is_durable();
        for (run, report) in self.queue().unfinished() {
            let targets = report.steps.iter().flat_map(|step| step.targets.iter().flatten());
            let left: Vec<_> = targets.filter(|t| t.outcome.is_none()).map(|t| t.target.as_str()).collect();
            let actions: Vec<_> = run.actions.iter().map(Action::name).collect();
            let told = format!(
                "run={} delivery={} endpoint={} rule={} subject={} actions={} target={}",
                run.id,
                Escaped(&run.delivery.id),
                run.delivery.endpoint,
                run.rule,
                Escaped(&run.subject.to_string()),
                actions.join(","),
                Escaped(&left.join(","))
            );
            if durable {
                log::warn!("{told} goes on at the next start, if the state directory is there then");
            } else {
                log::error!("{told} not finished before the end");
            }
        }
    }
}
