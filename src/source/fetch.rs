//! Fetches key sets by timer, never while a request waits for one.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::key_set::{KeySet, KeySource};
use crate::config::Config;
use crate::outside;

/// How old a key set may get: Google announces new keys days before it signs with them.
const REFRESH: Duration = Duration::from_secs(6 * 3600);

/// The pause between two fetches, however many tokens name unknown keys: anybody can send those.
const LEAST_PAUSE: Duration = Duration::from_secs(5 * 60);

/// The first pause after a failed fetch while there is no key set at all; it doubles up to [`LEAST_PAUSE`].
const FIRST_RETRY: Duration = Duration::from_secs(1);

/// How long one fetch may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Key sets that are kept fresh until this is dropped.
#[derive(Debug)]
pub struct Fetching {
    _tasks: JoinSet<()>,
}

/// Fetches the key sets of a configuration now and keeps them fresh. Needs a runtime.
pub fn keep_fetched(config: &Config) -> Fetching {
    let mut tasks = JoinSet::new();
    for key_set in config.endpoints.iter().filter_map(|endpoint| endpoint.receiver.key_set()) {
        if matches!(key_set.source(), KeySource::Url(_)) {
            tasks.spawn(keep(Arc::clone(key_set)));
        }
    }
    Fetching { _tasks: tasks }
}

async fn keep(key_set: Arc<KeySet>) {
    let mut retry = FIRST_RETRY;
    loop {
        match now(&key_set).await {
            Ok(()) => {
                retry = FIRST_RETRY;
                tokio::time::sleep(LEAST_PAUSE).await;
                tokio::select! {
                    () = key_set.until_wanted() => {}
                    () = tokio::time::sleep(REFRESH) => {}
                }
            }
            Err(why) => {
                let pause = pause_after_failure(&key_set, retry);
                log::warn!("{why}; trying again in {}s", pause.as_secs());
                tokio::time::sleep(pause).await;
                retry = (retry * 2).min(LEAST_PAUSE);
            }
        }
    }
}

/// How long to wait after a failed fetch: keys that are there are good for a while, and the issuer is spared.
fn pause_after_failure(key_set: &KeySet, retry: Duration) -> Duration {
    if key_set.has_keys() { LEAST_PAUSE } else { retry }
}

/// Fetches a key set once.
pub async fn now(key_set: &KeySet) -> Result<(), String> {
    let KeySource::Url(url) = key_set.source() else { return Ok(()) };
    let fetched = outside::get(url, PATIENCE).await.and_then(|document| key_set.replace(&document));
    let count = fetched.map_err(|why| format!("the key set {url} cannot be fetched: {why}"))?;
    log::debug!("the key set {url} has {count} keys");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::jwt::testing::JWKS;
    use super::*;

    #[test]
    fn only_without_any_keys_is_a_failed_fetch_soon_tried_again() {
        let key_set = KeySet::new(KeySource::Url("https://keys.example.com".into()));
        assert_eq!(pause_after_failure(&key_set, FIRST_RETRY), FIRST_RETRY);
        key_set.replace(JWKS).unwrap();
        assert_eq!(pause_after_failure(&key_set, FIRST_RETRY), LEAST_PAUSE);
    }
}
