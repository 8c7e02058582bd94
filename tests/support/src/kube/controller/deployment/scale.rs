//! How many pods each `ReplicaSet` of a Deployment is to have.

use super::super::names::text;
use super::replica_set::Set;
use super::replicas;
use serde_json::Value;

/// How many the new `ReplicaSet` begins with.
pub fn first(deployment: &Value, sets: &[Set]) -> u64 {
    room(deployment, sets).min(replicas(deployment))
}

/// `Recreate` lets the old pods go before there is a new `ReplicaSet`: whether it asked some to go just now; none when
/// there are none left.
pub fn empty_first(deployment: &Value, sets: &mut [Set]) -> Option<bool> {
    if !recreates(deployment) {
        return None;
    }
    let asked = sets.iter().any(|set| set.wanted > 0);
    let left = asked || sets.iter().any(|set| !set.pods.is_empty());
    for set in sets {
        set.wanted = 0;
    }
    left.then_some(asked)
}

/// While it is paused a Deployment does not roll out, and it is scaled.
pub fn paused(deployment: &Value, sets: &mut [Set], newest: usize) -> bool {
    let alone = sets.iter().enumerate().all(|(index, set)| index == newest || set.wanted == 0);
    let differs = sets[newest].wanted != replicas(deployment);
    if alone && differs {
        sets[newest].wanted = replicas(deployment);
    }
    alone && differs
}

/// One step of a rolling update: the new one up if there is room, else old ones down as far as they may go. False
/// when nothing is to be done.
pub fn rolling(deployment: &Value, sets: &mut [Set], newest: usize) -> bool {
    if recreates(deployment) && old(sets, newest).any(|set| !set.pods.is_empty()) {
        let changed = old(sets, newest).any(|set| set.wanted > 0);
        old(sets, newest).for_each(|set| set.wanted = 0);
        return changed;
    }
    let replicas = replicas(deployment);
    let current = sets[newest].wanted;
    if current > replicas {
        sets[newest].wanted = replicas;
        return true;
    }
    let more = room(deployment, sets).min(replicas - current);
    sets[newest].wanted += more;
    more > 0 || down(sets, newest, needed(deployment))
}

/// How many have to be available all the time.
pub fn needed(deployment: &Value) -> u64 {
    let spared = if recreates(deployment) { replicas(deployment) } else { max_unavailable(deployment) };
    replicas(deployment).saturating_sub(spared)
}

/// Takes away old pods, first those that are not available, then as many available ones as are not needed.
fn down(sets: &mut [Set], newest: usize, needed: u64) -> bool {
    let total: u64 = sets.iter().map(|set| set.wanted).sum();
    let available: u64 = sets.iter().map(Set::available).sum();
    let missing = sets[newest].wanted.saturating_sub(sets[newest].available());
    let most = total.saturating_sub(needed + missing);
    let mut gone = 0;
    for set in old(sets, newest) {
        let unhealthy = set.wanted.saturating_sub(set.available()).min(most - gone);
        set.wanted -= unhealthy;
        gone += unhealthy;
    }
    let mut spare = if most == 0 { 0 } else { available.saturating_sub(needed) };
    for set in old(sets, newest) {
        let less = set.wanted.min(spare);
        set.wanted -= less;
        spare -= less;
        gone += less;
    }
    gone > 0
}

fn old(sets: &mut [Set], newest: usize) -> impl Iterator<Item = &mut Set> {
    sets.iter_mut().enumerate().filter(move |(index, _)| *index != newest).map(|(_, set)| set)
}

/// How many pods more there may be.
fn room(deployment: &Value, sets: &[Set]) -> u64 {
    let total: u64 = sets.iter().map(|set| set.wanted).sum();
    (replicas(deployment) + max_surge(deployment)).saturating_sub(total)
}

fn recreates(deployment: &Value) -> bool {
    text(deployment, "/spec/strategy/type") == "Recreate"
}

fn max_surge(deployment: &Value) -> u64 {
    share(deployment, "/spec/strategy/rollingUpdate/maxSurge", u64::div_ceil)
}

/// One at least where there may be no surge, or nothing would ever move.
fn max_unavailable(deployment: &Value) -> u64 {
    let number = share(deployment, "/spec/strategy/rollingUpdate/maxUnavailable", |share, all| share / all);
    if max_surge(deployment) == 0 { number.max(1) } else { number.min(replicas(deployment)) }
}

/// A number, or a percentage of the replicas.
fn share(deployment: &Value, pointer: &str, divide: fn(u64, u64) -> u64) -> u64 {
    match deployment.pointer(pointer) {
        Some(Value::Number(number)) => number.as_u64().unwrap_or(0),
        Some(Value::String(text)) => {
            let percent: u64 = text.trim_end_matches('%').parse().unwrap();
            divide(replicas(deployment) * percent, 100)
        }
        _ => 0,
    }
}
