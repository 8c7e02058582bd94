//! The conditions of a Deployment.

use super::super::super::names::now;
use serde_json::{Value, json};

/// Sets a condition of this status. The last one stands last, and one that only gets another reason keeps the time
/// of its last transition.
pub fn set(status: &mut Value, kind: &str, value: &str, reason: &str, message: &str) {
    if !status["conditions"].is_array() {
        status["conditions"] = json!([]);
    }
    let conditions = status["conditions"].as_array_mut().unwrap();
    let before = conditions.iter().position(|condition| condition["type"] == kind);
    let before = before.map(|index| conditions.remove(index));
    let mut condition = json!({
        "type": kind, "status": value, "reason": reason, "message": message,
        "lastUpdateTime": now(), "lastTransitionTime": now()
    });
    if let Some(before) = before.filter(|before| before["status"] == value) {
        condition["lastTransitionTime"] = before["lastTransitionTime"].clone();
    }
    conditions.push(condition);
}

/// Takes a condition away.
pub fn remove(status: &mut Value, kind: &str) {
    if let Some(conditions) = status.get_mut("conditions").and_then(Value::as_array_mut) {
        conditions.retain(|condition| condition["type"] != kind);
    }
}

/// The status and the reason of a condition; empty where there is none.
pub fn get<'a>(status: &'a Value, kind: &str) -> (&'a str, &'a str) {
    let conditions = status["conditions"].as_array();
    let condition = conditions.into_iter().flatten().find(|condition| condition["type"] == kind);
    let text = |field: &str| condition.and_then(|condition| condition[field].as_str()).unwrap_or_default();
    (text("status"), text("reason"))
}
