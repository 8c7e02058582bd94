//! Requests that let a run go on which waits for a person's word.

use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{error::Elapsed, timeout};

use super::Engine;
use crate::action::Target;
use crate::event::DeployRequest;
use crate::run::audit;
use crate::run::queue::Confirmed;
use crate::run::sameness::{Keys, Seen};

/// How long who confirms waits for the journal.
const CONFIRMING: Duration = Duration::from_secs(10);

impl Engine {
    /// Takes a request as the confirmation that a delivery's runs wait for; returns that delivery once it is safe that
    /// they go on. `None` if nothing waits for it. Fails if the journal is too slow: sent again, it is waited for again.
    pub async fn confirm(
        &self,
        keys: &Keys,
        endpoint: &str,
        request: &DeployRequest,
        id: &str,
    ) -> Result<Option<Seen>, Elapsed> {
        if self.sealed.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let (seen, landed) = {
            let mut queue = self.queue();
            let confirmed = queue.confirm(keys, endpoint, request, id, Timestamp::now());
            let Some(Confirmed { seen, runs, end, writes }) = confirmed else { return Ok(None) };
            for (run, step) in runs {
                audit::target(&run, step, &Target::Confirmation, &end, None);
            }
            (seen, self.journal.write(writes))
        };
        self.wake.notify_one();
        timeout(CONFIRMING, landed.wait()).await?;
        Ok(Some(seen))
    }
}
