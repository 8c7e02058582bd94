//! `CloudEvents` 1.0, structured mode: one JSON object with the event's attributes and its data.
//! <https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md>

use serde_json::{Value, json};

use super::Notice;

/// The body. `id` with `source` is unique and the same however often a notice is sent; `type` never changes its
/// meaning.
pub(super) fn body(notice: &Notice) -> Value {
    json!({
        "specversion": "1.0",
        "id": notice.run,
        "source": format!("/boathook/endpoints/{}", notice.endpoint),
        "type": format!("boathook.run.{}", notice.outcome),
        "subject": notice.about(),
        "time": notice.time,
        "datacontenttype": "application/json",
        "data": data(notice),
    })
}

fn data(notice: &Notice) -> Value {
    let mut data = json!({
        "outcome": notice.outcome,
        "reason": notice.reason,
        "run": notice.run,
        "rule": notice.rule,
        "delivery": notice.delivery,
        "endpoint": notice.endpoint,
        "source": notice.source,
        "received": notice.received,
        "seconds": notice.seconds(),
        "event": notice.event,
        "steps": notice.steps,
    });
    if let Value::Object(fields) = &mut data {
        let optional = [
            ("actor", notice.actor.as_ref().map(|actor| json!(actor))),
            ("image", notice.image.as_ref().map(|image| json!(image))),
            ("targetsLeftOut", Some(json!(notice.left_out)).filter(|_| notice.left_out > 0)),
        ];
        fields.extend(optional.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    }
    data
}

#[cfg(test)]
mod tests;
