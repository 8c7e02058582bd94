//! The tries of one target, or of finding targets: until one works, fails for good, or the time is up.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::backoff::Backoff;
use super::engine::Engine;
use super::outcome::{End, Outcome};
use super::progress::Tries;
use super::record::Run;
use crate::action::{Failure, Retry};
use crate::text::Escaped;

/// How long a try may go on once the process is ending; there are two of them, and 25 seconds in all.
const TRY_AT_THE_END: Duration = Duration::from_secs(8);

/// How long is tried after a start of the process, however long it was away.
const AFRESH: SignedDuration = SignedDuration::from_mins(2);

/// Why there is no further try.
pub(super) enum Stop {
    /// It ends like this.
    End(End),
    /// The process ends; the next one goes on.
    Suspended,
}

/// Tries, counted in the journal so that pauses go on growing after a restart.
pub(super) struct Attempts<'a> {
    engine: &'a Engine,
    run: &'a Run,
    /// The target that they are of; `None`: they look for targets.
    place: Option<(usize, usize)>,
    what: &'a str,
    backoff: Backoff,
    /// When the first try was made; an earlier process may have made it.
    since: Option<Timestamp>,
    /// When the first try is due, if an earlier process has tried.
    first: Option<Timestamp>,
    /// Whether the engine was closed when the try began: what fails then has had its last try.
    last: bool,
}

impl<'a> Attempts<'a> {
    /// Tries for as long as the run's `retryFor` says, from the first try on that the journal knows of.
    pub(super) fn new(
        engine: &'a Engine,
        run: &'a Run,
        place: Option<(usize, usize)>,
        what: &'a str,
    ) -> Self {
        let tries = engine.tries(run.id, place);
        Self {
            engine,
            run,
            place,
            what,
            backoff: Backoff::after(tries.made),
            since: tries.since,
            first: tries.next,
            last: false,
        }
    }

    /// Waits until the next try is due, which is at once but for the first one after a restart.
    pub(super) async fn begin(&mut self) {
        if let Some(first) = self.first.take() {
            let pause = Duration::try_from(first.duration_since(Timestamp::now())).unwrap_or_default();
            self.pause(pause).await;
        }
        self.last = self.engine.is_closing();
        self.since.get_or_insert_with(Timestamp::now);
    }

    /// Until when it is tried. What an earlier process has begun has a while in this one too: the API may need longer
    /// to come back than the relay.
    fn until(&self) -> Timestamp {
        let retry_for = SignedDuration::from_millis(self.run.timing.retry_for);
        let since = self.since.unwrap_or_else(Timestamp::now);
        let until = since.saturating_add(retry_for).unwrap_or(Timestamp::MAX);
        let afresh = self.engine.started.saturating_add(retry_for.min(AFRESH)).unwrap_or(Timestamp::MAX);
        until.max(afresh)
    }

    async fn pause(&self, pause: Duration) {
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = self.engine.closed() => {}
        }
    }

    /// Makes one try. At the end of the process it is cut off, so that there is time for a last one.
    pub(super) async fn within<T>(
        &self,
        attempt: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let ended = async {
            if !self.last {
                self.engine.closed().await;
            }
            tokio::time::sleep(TRY_AT_THE_END).await;
        };
        tokio::select! {
            biased;
            done = attempt => done,
            () = ended => Err(Failure::again("no answer while the relay was stopping")),
        }
    }

    /// Waits until the next try; says why if there is none.
    pub(super) async fn wait_after(&mut self, Failure { reason, retry }: Failure) -> Result<(), Stop> {
        let Some(Retry { after }) = retry else { return Err(Stop::End(End::new(Outcome::Failed, reason))) };
        let (run, what, shown) = (self.run.id, Escaped(self.what), Escaped(&reason));
        if self.last {
            return Err(self.not_sent(&reason));
        }
        let pause = self.backoff.next(after);
        let next = Timestamp::now() + SignedDuration::try_from(pause).unwrap_or_default();
        if next > self.until() {
            let reason = format!("given up after retryFor; the last try said: {reason}");
            return Err(Stop::End(End::new(Outcome::Expired, reason)));
        }
        log::warn!("run={run} target={what} trying again in {:.1}s: {shown}", pause.as_secs_f64());
        self.engine.metrics.retries.count();
        let tries = Tries { made: self.backoff.tries(), next: Some(next), since: self.since };
        self.engine.note_soon(self.run.id, |progress| progress.set_tries(self.place, tries));
        self.pause(pause).await;
        Ok(())
    }

    /// The last try failed and the process ends: a journal that outlives it keeps the run.
    fn not_sent(&self, reason: &str) -> Stop {
        let (run, what, shown) = (self.run.id, Escaped(self.what), Escaped(reason));
        if self.engine.is_durable() {
            log::warn!(
                "run={run} target={what} not sent before the end; tried again at the next start, if the state \
                 directory is there then: {shown}"
            );
            return Stop::Suspended;
        }
        log::error!("run={run} target={what} not sent before the end: {shown}");
        self.engine.count_unsent();
        Stop::End(End::new(Outcome::Expired, format!("the relay was stopped; until then: {reason}")))
    }
}
