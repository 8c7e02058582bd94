//! The request's fields, wherever in the body they stand.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::valid;
use crate::event::DeployRequest;
use crate::image::Image;
use crate::source::{Undecodable, git};

/// The fields by their default names, which are also where they stand unless `fields:` says otherwise.
pub(super) const FIELDS: [&str; 10] = [
    "environment",
    "image",
    "namespace",
    "service_name",
    "deployment_id",
    "commit_sha",
    "triggered_by",
    "timestamp",
    "auto_promotion",
    "deployment_strategy",
];

/// Where each of [`FIELDS`] stands: JSON pointers (RFC 6901).
#[derive(Debug)]
pub(super) struct Pointers([String; FIELDS.len()]);

impl Default for Pointers {
    fn default() -> Self {
        Self(FIELDS.map(|field| format!("/{field}")))
    }
}

impl Pointers {
    /// Puts a field elsewhere.
    pub(super) fn set(&mut self, field: &str, pointer: &str) {
        for (_, place) in FIELDS.iter().zip(&mut self.0).filter(|(name, _)| **name == field) {
            pointer.clone_into(place);
        }
    }

    fn pointer(&self, field: &str) -> &str {
        let found = FIELDS.iter().zip(&self.0).find(|(name, _)| **name == field);
        found.map_or("", |(_, pointer)| pointer)
    }

    /// A field's value; `None` when it is missing or `null`.
    pub(super) fn find<'a>(&self, body: &'a Value, field: &str) -> Option<&'a Value> {
        body.pointer(self.pointer(field)).filter(|value| !value.is_null())
    }

    /// Makes a body that has these values where they belong; `None` if the pointers lead into lists or cross.
    pub(super) fn place(&self, values: &Value) -> Option<Value> {
        let mut body = Value::Object(Map::new());
        for (field, pointer) in FIELDS.iter().zip(&self.0) {
            let mut at = &mut body;
            for name in pointer.split('/').skip(1) {
                let name = name.replace("~1", "/").replace("~0", "~");
                at = at.as_object_mut()?.entry(name).or_insert_with(|| Value::Object(Map::new()));
            }
            *at = values.get(field)?.clone();
        }
        let whole = FIELDS.iter().all(|field| self.find(&body, field) == values.get(field));
        whole.then_some(body)
    }
}

/// Reads and checks the request.
pub(super) fn read(
    body: &Value,
    pointers: &Pointers,
    asked: &[String],
) -> Result<DeployRequest, Undecodable> {
    let body = Body { body, pointers };
    let image = body.required("image", valid::text::<512>)?;
    let image = Image::parse(image).map_err(|error| body.wrong("image", &error.to_string()))?;
    if image.tag.is_none() && image.digest.is_none() {
        return Err(body.wrong("image", "has neither a tag nor a digest"));
    }
    body.optional("timestamp", valid::time)?;
    Ok(DeployRequest {
        environment: body.required("environment", valid::environment)?.to_owned(),
        image: image.repository,
        tag: image.tag.unwrap_or_default(),
        digest: image.digest,
        namespace: body.required("namespace", valid::label)?.to_owned(),
        workload: body.required("service_name", valid::subdomain)?.to_owned(),
        id: body.required("deployment_id", valid::id)?.to_owned(),
        commit: body.optional("commit_sha", valid::commit)?.unwrap_or_default().to_owned(),
        by: body.optional("triggered_by", valid::text::<256>)?.unwrap_or_default().to_owned(),
        strategy: body.optional("deployment_strategy", valid::word)?.unwrap_or("rolling").to_owned(),
        auto_promotion: body.flag("auto_promotion")?,
        asked: body.asked(asked)?,
    })
}

struct Body<'a> {
    body: &'a Value,
    pointers: &'a Pointers,
}

/// Says what is wrong with a text.
type Check = fn(&str) -> Result<(), &'static str>;

impl<'a> Body<'a> {
    /// A text that must be there.
    fn required(&self, field: &str, check: Check) -> Result<&'a str, Undecodable> {
        let text = self.text(field)?.ok_or_else(|| self.wrong(field, "is missing"))?;
        check(text).map_err(|why| self.wrong(field, why))?;
        Ok(text)
    }

    /// A text that may be missing, or empty, which an unset variable of a CI job makes it.
    fn optional(&self, field: &str, check: Check) -> Result<Option<&'a str>, Undecodable> {
        let Some(text) = self.text(field)?.filter(|text| !text.is_empty()) else { return Ok(None) };
        check(text).map_err(|why| self.wrong(field, why))?;
        Ok(Some(text))
    }

    fn text(&self, field: &str) -> Result<Option<&'a str>, Undecodable> {
        match self.pointers.find(self.body, field) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.wrong(field, "must be text")),
        }
    }

    /// A flag, `false` when it is missing. Shells make texts of it.
    fn flag(&self, field: &str) -> Result<bool, Undecodable> {
        match self.pointers.find(self.body, field) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(Value::String(text)) if text == "true" => Ok(true),
            Some(Value::String(text)) if text == "false" || text.is_empty() => Ok(false),
            Some(_) => Err(self.wrong(field, "must be true or false")),
        }
    }

    /// What stands at these places, which rules ask for; nothing where there is nothing.
    fn asked(&self, places: &[String]) -> Result<BTreeMap<String, String>, Undecodable> {
        let mut asked = BTreeMap::new();
        for place in places {
            let wrong = |why: &str| {
                let name = place.strip_prefix('/').unwrap_or(place);
                Undecodable::Malformed(format!("{}: {why}", git::shown(name)))
            };
            match self.body.pointer(place) {
                None | Some(Value::Null) => {}
                // An unset variable of a CI job.
                Some(Value::String(text)) if text.is_empty() => {}
                Some(Value::String(text)) => {
                    valid::text::<256>(text).map_err(wrong)?;
                    asked.insert(place.clone(), text.clone());
                }
                Some(_) => return Err(wrong("must be text")),
            }
        }
        Ok(asked)
    }

    /// Names the place, and the field where that is another word.
    fn wrong(&self, field: &str, why: &str) -> Undecodable {
        let pointer = self.pointers.pointer(field);
        let place = if pointer.strip_prefix('/') == Some(field) {
            field.to_owned()
        } else {
            format!("{field} (at {})", git::shown(pointer))
        };
        Undecodable::Malformed(format!("{place}: {why}"))
    }
}
