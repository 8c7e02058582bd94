//! The API server's refusals: `metav1.Status` bodies, word for word.

use super::super::serve::Answer;
use super::kinds::qualified;
use serde_json::{Value, json};

/// A refusal.
#[derive(Clone, Debug)]
pub struct Failure {
    pub code: u16,
    pub reason: &'static str,
    pub message: String,
    pub details: Option<Value>,
    /// Seconds, as the Retry-After header and in the details.
    pub retry_after: Option<u64>,
    /// A plain-text body instead of a Status.
    plain: bool,
}

impl Failure {
    /// Any refusal.
    pub fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), details: None, retry_after: None, plain: false }
    }

    fn about(mut self, details: Value) -> Self {
        self.details = Some(details);
        self
    }

    /// No such path: a kind whose CRD is not installed.
    pub fn no_such_path() -> Self {
        Self { plain: true, ..Self::new(404, "", "404 page not found\n") }
    }

    pub fn not_found(group: &str, plural: &str, name: &str) -> Self {
        Self::new(404, "NotFound", format!("{} \"{name}\" not found", qualified(plural, group)))
            .about(details(group, plural, Some(name)))
    }

    pub fn already_exists(group: &str, plural: &str, name: &str) -> Self {
        Self::new(409, "AlreadyExists", format!("{} \"{name}\" already exists", qualified(plural, group)))
            .about(details(group, plural, Some(name)))
    }

    /// The resourceVersion that was sent is not the current one.
    pub fn conflict(group: &str, plural: &str, name: &str) -> Self {
        let why =
            "the object has been modified; please apply your changes to the latest version and try again";
        Self::conflict_because(group, plural, name, why)
    }

    pub fn conflict_because(group: &str, plural: &str, name: &str, why: &str) -> Self {
        let message =
            format!("Operation cannot be fulfilled on {} \"{name}\": {why}", qualified(plural, group));
        Self::new(409, "Conflict", message).about(details(group, plural, Some(name)))
    }

    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    pub fn unauthorized() -> Self {
        Self::new(401, "Unauthorized", "Unauthorized")
    }

    pub fn method_not_allowed(kind: &str) -> Self {
        Self::new(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")
            .about(json!({"kind": kind}))
    }

    /// A patch sent as something that is not a patch.
    pub fn unsupported_media_type() -> Self {
        Self::new(415, "UnsupportedMediaType", "415: Unsupported Media Type").about(json!({}))
    }

    /// A strategic merge patch of a custom resource.
    pub fn no_strategic_merge() -> Self {
        Self::new(
            415,
            "UnsupportedMediaType",
            "the body of the request was in an unknown format - accepted media types include: \
             application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml",
        )
    }

    /// A JSON patch that could not be applied: the server does not say why.
    pub fn json_patch_failed() -> Self {
        Self::new(422, "Invalid", "the server rejected our request due to an error in our request")
            .about(json!({}))
    }

    /// A patch whose result is not a valid object.
    pub fn invalid_patch(patch: &str, why: &str) -> Self {
        let message = format!("Invalid value: {}: {why}", go_quote(patch));
        Self::new(422, "Invalid", format!(" \"\" is invalid: patch: {message}"))
            .about(json!({"causes": [{"reason": "FieldValueInvalid", "message": message, "field": "patch"}]}))
    }

    /// An object with a field whose value cannot be.
    pub fn invalid_field(
        group: &str,
        kind: &str,
        name: &str,
        field: &str,
        reason: &str,
        message: &str,
    ) -> Self {
        let dotted = if group.is_empty() { kind.to_owned() } else { format!("{kind}.{group}") };
        let mut details = details(group, kind, Some(name).filter(|name| !name.is_empty()));
        details["causes"] = json!([{"reason": reason, "message": message, "field": field}]);
        Self::new(422, "Invalid", format!("{dotted} \"{name}\" is invalid: {field}: {message}"))
            .about(details)
    }

    /// Server-side apply that would take fields from other managers: (sentence, field) of each.
    pub fn apply_conflict(conflicts: &[(String, String)]) -> Self {
        let number = conflicts.len();
        let message = if let [(sentence, field)] = conflicts {
            format!("Apply failed with 1 conflict: {sentence}: {field}")
        } else {
            let lines: Vec<String> =
                conflicts.iter().map(|(sentence, field)| format!("{sentence}: {field}")).collect();
            format!("Apply failed with {number} conflicts: {}", lines.join("\n"))
        };
        let causes: Vec<Value> = conflicts
            .iter()
            .map(|(sentence, field)| json!({"reason": "FieldManagerConflict", "message": sentence, "field": field}))
            .collect();
        Self::new(409, "Conflict", message).about(json!({"causes": causes}))
    }

    /// The refusal as it is answered.
    pub fn answer(&self) -> Answer {
        if self.plain {
            return Answer::text(self.code, &self.message).with("X-Content-Type-Options", "nosniff");
        }
        let mut body = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "reason": self.reason, "code": self.code
        });
        if let Some(details) = &self.details {
            body["details"] = details.clone();
        }
        match self.retry_after {
            Some(seconds) => {
                body["details"]["retryAfterSeconds"] = json!(seconds);
                Answer::json(self.code, &body).with("Retry-After", &seconds.to_string())
            }
            None => Answer::json(self.code, &body),
        }
    }
}

/// The details of a refusal about one object or one resource.
pub fn details(group: &str, plural: &str, name: Option<&str>) -> Value {
    let mut details = json!({"kind": plural});
    if let Some(name) = name {
        details["name"] = json!(name);
    }
    if !group.is_empty() {
        details["group"] = json!(group);
    }
    details
}

/// A value as Go's `%v` prints it: `map[spec:map[a:1]]`.
pub fn go_format(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            format!("[{}]", items.iter().map(go_format).collect::<Vec<_>>().join(" "))
        }
        Value::Object(map) => {
            let mut fields: Vec<String> =
                map.iter().map(|(key, value)| format!("{key}:{}", go_format(value))).collect();
            fields.sort();
            format!("map[{}]", fields.join(" "))
        }
        other => other.to_string(),
    }
}

/// A text as Go's `%q` quotes it, as far as patches need it.
fn go_quote(text: &str) -> String {
    Value::from(text).to_string()
}
