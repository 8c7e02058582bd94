//! `Prefer: wait=N` (RFC 7240 section 4.3).

use std::time::Duration;

use hyper::HeaderMap;

/// The longest wait that is granted, in seconds.
const LONGEST: u64 = 300;

/// How long the caller would wait for the end; `None` if it would not. Preferences that are not understood
/// are passed over, as the RFC wants it.
pub(super) fn wait(headers: &HeaderMap) -> Option<Duration> {
    let preferences = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    let mut waits = preferences.flat_map(|value| value.split(',')).filter_map(|preference| {
        let (name, value) = preference.split(';').next()?.split_once('=')?;
        let seconds = value.trim().trim_matches('"').parse::<u64>().ok()?;
        name.trim().eq_ignore_ascii_case("wait").then_some(seconds)
    });
    // The first of several counts (RFC 7240 section 2).
    waits.next().filter(|seconds| *seconds > 0).map(|seconds| Duration::from_secs(seconds.min(LONGEST)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_wait_counts_up_to_300_seconds() {
        let wait = |value: &str| {
            let pairs = [("Prefer".to_owned(), value.to_owned())];
            wait(&crate::source::headers(&pairs).unwrap()).map(|wait| wait.as_secs())
        };
        assert_eq!(wait("wait=50"), Some(50));
        assert_eq!(wait("respond-async, WAIT = \"10\"; x, wait=7"), Some(10));
        assert_eq!(wait("wait=100000"), Some(300));
        for none in ["wait", "wait=", "wait=-1", "wait=0", "wait=99999999999999999999", "return=minimal"] {
            assert_eq!(wait(none), None, "{none}");
        }
    }
}
