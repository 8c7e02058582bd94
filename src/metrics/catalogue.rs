//! Every metric, declared once: what `/metrics` has, and what a dashboard or a rule may name.

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows; its sample's name ends with `_total`.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts in buckets, with a sum.
    Histogram,
    /// What does not change while the process lives; its sample's name ends with `_info`.
    Info,
}

/// A metric, without its values.
#[derive(Debug)]
pub struct Metric {
    /// Without `_total`, `_bucket` and the like.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// The end of its name, if that is a unit.
    pub unit: &'static str,
    /// Its labels, in the order of their values.
    pub labels: &'static [&'static str],
    /// One sentence.
    pub help: &'static str,
}

impl Metric {
    /// What its samples are called.
    pub fn samples(&self) -> Vec<String> {
        let endings: &[&str] = match self.kind {
            Kind::Counter => &["_total"],
            Kind::Gauge => &[""],
            Kind::Histogram => &["_bucket", "_count", "_sum"],
            Kind::Info => &["_info"],
        };
        endings.iter().map(|ending| format!("{}{ending}", self.name)).collect()
    }
}

macro_rules! catalogue {
    ($($constant:ident $kind:ident $name:literal [$($label:literal),*] $unit:literal $help:literal)*) => {
        $(
            #[doc = $help]
            pub static $constant: Metric = Metric {
                name: $name, kind: Kind::$kind, unit: $unit, labels: &[$($label),*], help: $help,
            };
        )*
        /// Every metric, in the order in which they are exported.
        pub static ALL: &[&Metric] = &[$(&$constant),*];
    };
}

catalogue! {
    BUILD Info "boathook_build" ["version"] "" "Which boathook this is."
    DELIVERIES Counter "boathook_deliveries" ["endpoint", "code"] ""
        "Requests to an endpoint's hook, by the status code of their answer."
    UNVERIFIED Counter "boathook_verification_failures" ["endpoint"] ""
        "Deliveries that did not prove that they come from the sender."
    UNKNOWN_SHAPES Counter "boathook_unknown_shapes" ["endpoint"] ""
        "Authentic deliveries of a shape that is not known."
    SINCE_DELIVERY Gauge "boathook_since_last_delivery_seconds" ["endpoint"] "seconds"
        "Time since the last authentic delivery to the endpoint, or since the start if there was none."
    UNKNOWN_HOOKS Counter "boathook_unknown_hooks" [] "" "Requests to hooks that are not configured."
    RUNS Counter "boathook_runs" ["action", "outcome"] "" "Runs that ended, by their first action."
    TARGETS Counter "boathook_targets" ["action", "outcome"] "" "Targets of actions that ended."
    PENDING Gauge "boathook_pending_runs" [] "" "Runs that have not ended."
    OLDEST Gauge "boathook_oldest_pending_run_seconds" [] "seconds"
        "Time since the arrival of the oldest delivery with a run that has not ended and waits for no confirmation, or 0."
    HOLDS Gauge "boathook_holds" [] "" "Versions that are held for a workload."
    CHANGE_DELAY Histogram "boathook_change_delay_seconds" [] "seconds"
        "From the arrival of a delivery until the API took a change for it."
    RUN_DURATION Histogram "boathook_run_duration_seconds" [] "seconds"
        "From the arrival of a delivery until a run of it ended, superseded ones left out."
    RETRIES Counter "boathook_retries" [] "" "Tries of a target, or of finding targets, that failed and are made again."
    JOURNAL_UP Gauge "boathook_journal_up" [] "" "1 while the journal can be written, 0 while deliveries are refused."
    JOURNAL_COMMIT Histogram "boathook_journal_commit_seconds" [] "seconds"
        "How long commits of the journal took that reached the disk."
    JOURNAL_FAILURES Counter "boathook_journal_failures" [] "" "Commits of the journal that failed."
    RELOADS Counter "boathook_reloads" ["result"] "" "Configurations that were read again, by whether they are served."
    API_UP Gauge "boathook_kubernetes_api_up" [] ""
        "1 if the last request to the Kubernetes API was answered by it, 0 if not; absent before the first one."
    API_ANSWER Gauge "boathook_kubernetes_api_last_answer_timestamp_seconds" [] "seconds"
        "When the Kubernetes API answered last."
    STARTED Gauge "process_start_time_seconds" [] "seconds" "When the process started."
    MEMORY Gauge "process_resident_memory_bytes" [] "bytes" "Memory of the process that is resident."
    FILES Gauge "process_open_fds" [] "" "File descriptors that are open."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_as_openmetrics_wants_them() {
        for metric in ALL {
            let Metric { name, kind, unit, labels, help } = metric;
            assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{name}");
            assert!(unit.is_empty() || name.ends_with(&format!("_{unit}")), "{name}: {unit}");
            assert!(
                !["_total", "_info", "_count", "_sum", "_bucket"].iter().any(|s| name.ends_with(s)),
                "{name}"
            );
            assert!(labels.iter().all(|label| label.bytes().all(|b| b.is_ascii_lowercase())), "{name}");
            assert!(help.ends_with('.') && !help.contains(['\\', '\n', '"']), "{name}");
            assert!(*kind != Kind::Histogram || labels.is_empty(), "{name}: a histogram has no labels here");
        }
        let mut names: Vec<_> = ALL.iter().map(|metric| metric.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ALL.len());
    }
}
