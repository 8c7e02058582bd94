//! The API server is away while pushes come, and nothing that was accepted is lost.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use jiff::SignedDuration;

use super::api::Cluster;
use super::burst::{self, Pushes};
use super::hands::Hands;
use super::proxy::Proxy;
use super::{image, relay};
use support::relay::Relay;

const NAMES: [&str; 4] = ["away-a", "away-b", "away-c", "away-d"];

/// About so many pushes come for each workload: not more than the journal remembers.
const PUSHES: u32 = 300;

pub(super) fn play(cluster: &Cluster) {
    for name in NAMES {
        cluster.deploy(name, &image(name, "1.0.0"));
    }
    let hands = Hands::lend(cluster, &NAMES, None);
    let proxy = Proxy::to(&cluster.url);
    let rules = [burst::rule(cluster)];
    let relay = relay(&proxy.url(), "settle: 50ms\nmaxWait: 300ms", &rules).state().start();
    let before = NAMES.map(|name| cluster.generation(name));

    let pushes = under_load(&relay, || {
        // Some rollouts are under way.
        let deadline = Instant::now() + Duration::from_secs(60);
        while NAMES.iter().zip(before).any(|(name, before)| cluster.generation(name) == before) {
            assert!(Instant::now() < deadline, "nothing is changed: {}", relay.log());
            std::thread::yield_now();
        }
        proxy.go_away();
        relay.wait_for_log("the API cannot be reached");
        burst::pause(outage());
        proxy.come_back();
    });
    for ((name, pushes), before) in NAMES.iter().zip(&pushes).zip(before) {
        pushes.judge(cluster, &relay, name, before);
    }
    drop(hands);
    for name in NAMES {
        cluster.delete("deployments", name);
    }
}

/// Pushes for every workload for as long as this takes.
fn under_load(relay: &Relay, meanwhile: impl FnOnce()) -> Vec<Pushes> {
    let over = &AtomicBool::new(false);
    let pace = (outage() / PUSHES).max(Duration::from_millis(20));
    std::thread::scope(|scope| {
        let push =
            |name| scope.spawn(move || Pushes::send(relay, name, pace, |_| over.load(Ordering::Relaxed)));
        let pushing = NAMES.map(push);
        // A thread that pushes must end also when this fails.
        let over = Over(over);
        meanwhile();
        drop(over);
        pushing.into_iter().map(|pushing| pushing.join().unwrap()).collect()
    })
}

/// Ends the pushes when it goes out of scope.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// For how long the API server is away.
fn outage() -> Duration {
    let text = std::env::var("BOATHOOK_TEST_OUTAGE").unwrap_or_else(|_| "3s".to_owned());
    let outage = text.parse::<SignedDuration>().ok().and_then(|outage| Duration::try_from(outage).ok());
    outage.expect("BOATHOOK_TEST_OUTAGE must be a duration, such as 10m")
}
