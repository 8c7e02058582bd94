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
    for key_set in fetched(config) {
        tasks.spawn(keep(Arc::clone(key_set)));
    }
    Fetching { _tasks: tasks }
}

/// Gives a new configuration the keys that the old one has fetched from the same URLs, so that a reload leaves
/// no time without keys. To be called before the new one is served.
pub fn inherit(new: &Config, old: &Config) {
    for key_set in fetched(new) {
        for known in fetched(old).filter(|known| known.source() == key_set.source()) {
            key_set.copy_from(known);
        }
    }
}

/// The key sets that are fetched.
fn fetched(config: &Config) -> impl Iterator<Item = &Arc<KeySet>> {
    let key_sets = config.endpoints.iter().filter_map(|endpoint| endpoint.receiver.key_set());
    key_sets.filter(|key_set| matches!(key_set.source(), KeySource::Url(_)))
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
    use crate::config::Overrides;

    /// A configuration with an endpoint for each of these key sets.
    fn config(name: &str, urls: &[&str]) -> Config {
        let endpoint = |(number, url): (usize, &&str)| {
            format!(
                "- {{name: gcr-{number}, source: GoogleContainerRegistry, keyPath: key-{number}, gcr: {{audience: a, \
                 email: b, jwks: '{url}'}}, rules: [{{do: [{{restart: {{namespace: a, workloads: [deployment/web]}}}}]}}]}}\n"
            )
        };
        let endpoints: Vec<_> = urls.iter().enumerate().map(endpoint).collect();
        let text = format!("version: 1\nendpoints:\n{}", endpoints.concat());
        let directory = std::env::temp_dir().join(format!("boathook-fetch-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        for number in 0..urls.len() {
            std::fs::write(
                directory.join(format!("key-{number}")),
                format!("correct horse battery staple {number}"),
            )
            .unwrap();
        }
        let file = directory.join("boathook.yaml");
        std::fs::write(&file, text).unwrap();
        let loaded = Config::load(&file, &Overrides::default());
        std::fs::remove_dir_all(&directory).unwrap();
        assert!(loaded.config.is_some(), "{:?}", loaded.findings.mistakes);
        loaded.config.unwrap()
    }

    #[test]
    fn a_reload_keeps_the_keys_of_the_same_url_and_of_no_other() {
        let (a, b) = ("https://a.example.com/keys", "https://b.example.com/keys");
        let old = config("old", &[a]);
        let new = config("new", &[b, a]);
        let have = || fetched(&new).map(|key_set| key_set.has_keys()).collect::<Vec<_>>();
        inherit(&new, &old);
        assert_eq!(have(), [false, false]);
        fetched(&old).for_each(|key_set| assert_eq!(key_set.replace(JWKS), Ok(1)));
        inherit(&new, &old);
        assert_eq!(have(), [false, true]);
        // What is newer is not undone by what is old.
        inherit(&new, &config("empty", &[a, b]));
        assert_eq!(have(), [false, true]);
    }

    #[test]
    fn only_without_any_keys_is_a_failed_fetch_soon_tried_again() {
        let key_set = KeySet::new(KeySource::Url("https://keys.example.com".into()));
        assert_eq!(pause_after_failure(&key_set, FIRST_RETRY), FIRST_RETRY);
        key_set.replace(JWKS).unwrap();
        assert_eq!(pause_after_failure(&key_set, FIRST_RETRY), LEAST_PAUSE);
    }
}
