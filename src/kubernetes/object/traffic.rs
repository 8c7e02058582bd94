//! Where a Knative Service's requests go: what its spec asks for, and what its status says is so.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Object, or_default};

/// What each revision gets, in percent. Revisions that get nothing are not in it.
pub type Shares = BTreeMap<String, i64>;

/// One entry of a Knative Service's traffic.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Traffic {
    /// The revision; `None`: the newest one that is ready (`latestRevision: true`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision_name: Option<String>,
    /// How much it gets; what is left out is 0, as Knative itself fills it in.
    #[serde(deserialize_with = "or_default")]
    pub percent: i64,
    /// Gives the revision a URL of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
}

impl Traffic {
    /// So much for a revision.
    pub fn to(revision: &str, percent: i64) -> Self {
        Self { revision_name: Some(revision.to_owned()), percent, tag: None }
    }

    /// So much for the newest revision that is ready.
    pub fn to_latest(percent: i64) -> Self {
        Self { revision_name: None, percent, tag: None }
    }

    /// Whether requests go where the newest revision is.
    fn follows_latest(&self) -> bool {
        self.revision_name.is_none() && self.percent > 0
    }
}

impl Object {
    /// What the spec asks for: without a word, everything for the newest revision.
    pub fn traffic(&self) -> Vec<Traffic> {
        let asked = &self.spec.traffic;
        if asked.is_empty() { vec![Traffic::to_latest(100)] } else { asked.clone() }
    }

    /// Whether requests reach a new revision by themselves.
    pub fn follows_latest(&self) -> bool {
        self.traffic().iter().any(Traffic::follows_latest)
    }

    /// What each revision gets, as the status says.
    pub fn shares(&self) -> Shares {
        let mut shares = Shares::new();
        for Traffic { revision_name, percent, .. } in &self.status.traffic {
            if let Some(revision) = revision_name.as_ref().filter(|_| *percent > 0) {
                *shares.entry(revision.clone()).or_default() += percent;
            }
        }
        shares
    }

    /// The revision that was made last, if it is ready.
    pub fn newest_ready_revision(&self) -> Option<&str> {
        let status = &self.status;
        let newest = status.latest_ready_revision_name.as_deref()?;
        (status.latest_created_revision_name.as_deref() == Some(newest)).then_some(newest)
    }

    /// The newest revision of those that are ready.
    pub fn ready_revision(&self) -> Option<&str> {
        self.status.latest_ready_revision_name.as_deref()
    }

    /// Whether the status speaks of the spec as it is now.
    pub fn is_observed(&self) -> bool {
        let observed = self.status.observed_generation.unwrap_or(0);
        observed >= self.metadata.generation && observed > 0
    }
}

/// `game-00001 (90 %) and game-00002 (10 %)`
pub fn told(shares: &Shares) -> String {
    let each: Vec<_> = shares.iter().map(|(revision, percent)| format!("{revision} ({percent} %)")).collect();
    if each.is_empty() { "no revision".to_owned() } else { each.join(" and ") }
}

/// What a spec asks for, as a person would say it: `90 % for game-00001, 10 % for the newest revision`.
pub fn asked(traffic: &[Traffic]) -> String {
    let serving = traffic.iter().filter(|entry| entry.percent > 0);
    let each: Vec<_> = serving
        .map(|entry| {
            let whom = entry.revision_name.as_deref().unwrap_or("the newest revision");
            format!("{} % for {whom}", entry.percent)
        })
        .collect();
    each.join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn game(asked: &Value, shown: &Value) -> Object {
        let object =
            json!({"metadata": {"name": "game"}, "spec": {"traffic": asked}, "status": {"traffic": shown}});
        serde_json::from_value(object).unwrap()
    }

    #[test]
    fn what_knative_fills_in_makes_no_difference() {
        let bare = game(&json!([{"revisionName": "a", "tag": "old"}, {"percent": 100}]), &json!(null));
        let filled = game(
            &json!([{"revisionName": "a", "latestRevision": false, "percent": 0, "tag": "old"},
                    {"latestRevision": true, "percent": 100}]),
            &json!(null),
        );
        assert_eq!(bare.traffic(), filled.traffic());
        assert!(bare.follows_latest() && bare.shares().is_empty());
        assert_eq!(game(&json!(null), &json!(null)).traffic(), [Traffic::to_latest(100)]);
    }

    #[test]
    fn entries_of_one_revision_are_added_up() {
        let shown = json!([
            {"revisionName": "b", "latestRevision": true, "percent": 30},
            {"revisionName": "a", "percent": 60, "url": "http://x"},
            {"revisionName": "b", "percent": 10, "tag": "new"},
            {"revisionName": "c", "tag": "other"},
        ]);
        let game = game(&json!([{"revisionName": "a", "percent": 100}, {"tag": "new"}]), &shown);
        assert_eq!(told(&game.shares()), "a (60 %) and b (40 %)");
        assert!(!game.follows_latest(), "a tag alone is not where requests go");
        assert_eq!(asked(&game.traffic()), "100 % for a");
    }
}
