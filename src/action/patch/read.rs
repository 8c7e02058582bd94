//! How a patch is written in the configuration.

use serde::de::DeserializeSeed as _;
use serde_json::Value;

use super::{Named, Patch};
use crate::action::apply::is_built_in;
use crate::action::filled;
use crate::action::reconcile::name;
use crate::action::rollout::{OnFailure, Rollout};
use crate::action::targets::workload;
use crate::action::yaml::{AsJson, Budget};
use crate::config::fields::Fields;
use crate::kubernetes::Kind;
use crate::kubernetes::patch::Format;
use crate::rule::name::{kubernetes_name, namespace_name};

const FORMATS: [(&str, Format); 3] =
    [("strategic", Format::Strategic), ("merge", Format::Merge), ("json", Format::Json)];

/// The operations of RFC 6902, with the fields that each needs besides `path`.
const OPERATIONS: [(&str, &str); 6] = [
    ("add", "value"),
    ("copy", "from"),
    ("move", "from"),
    ("remove", ""),
    ("replace", "value"),
    ("test", "value"),
];

impl Patch {
    pub(in crate::action) fn read(mut fields: Fields<'_>) -> Option<Self> {
        let has_namespace = fields.names_field("namespace");
        let namespace = has_namespace
            .then(|| name(&mut fields, "namespace", |text| namespace_name(text).map(drop)))
            .flatten();
        let object = object(&mut fields);
        if !has_namespace && matches!(object, Some(Named::Workload(..))) {
            fields.report().mistake(fields.path(), "namespace is missing");
        }
        if !fields.names_field("type") {
            fields.report().mistake(fields.path(), "type is missing: strategic, merge or json");
        }
        let format = fields.one_of("type", &FORMATS);
        let body = body(&mut fields, format);
        let rollout = Rollout::read(&mut fields);
        if rollout.on_failure == OnFailure::Rollback {
            fields.mistake("rollout", "a patch cannot be rolled back: what was there before is not known");
        }
        if let (Some(object), Some(format)) = (&object, format) {
            refuse(&fields, object, format);
        }
        fields.finish();
        Some(Self { namespace, object: object?, format: format?, body: body?, rollout })
    }
}

fn object(fields: &mut Fields<'_>) -> Option<Named> {
    let named = fields.string("workload").and_then(|text| {
        let read = workload(&text, |_| None);
        read.map_err(|why| fields.mistake("workload", why)).ok()
    });
    if fields.names_field("workload") {
        for other in ["apiVersion", "kind", "name"].into_iter().filter(|other| fields.names_field(other)) {
            fields.mistake(other, "workload is there too: give workload, or apiVersion, kind and name");
        }
        for other in ["apiVersion", "kind", "name"] {
            fields.node(other);
        }
        return named.map(|(kind, name)| Named::Workload(kind, name));
    }
    if !["apiVersion", "kind", "name"].iter().any(|field| fields.names_field(field)) {
        let text = "no target: give workload: deployment/web, or apiVersion, kind and name";
        fields.report().mistake(fields.path(), text);
        return None;
    }
    let (api_version, kind) = (fields.required("apiVersion"), fields.required("kind"));
    let object = name(fields, "name", |text| kubernetes_name(text).map(drop));
    let (api_version, kind) = (api_version?, kind?);
    let (group, version) = api_version.rsplit_once('/').unwrap_or(("", &api_version));
    if !(group.is_empty() || kubernetes_name(group).is_ok()) || namespace_name(version).is_err() {
        fields.mistake("apiVersion", "must be v1 or GROUP/VERSION, such as networking.k8s.io/v1");
        return None;
    }
    if !kind.bytes().all(|b| b.is_ascii_alphanumeric()) {
        fields.mistake("kind", "must be letters and digits, such as ConfigMap");
        return None;
    }
    // A workload is followed, whichever way it is named.
    if let Some(workload) = Kind::of_object(group, &kind) {
        return Some(Named::Workload(workload, object?));
    }
    let (group, version) = (group.to_owned(), version.to_owned());
    Some(Named::Object { group, version, kind, name: object? })
}

/// What is known not to work, or to be unwise.
fn refuse(fields: &Fields<'_>, object: &Named, format: Format) {
    let is_custom = match object {
        Named::Workload(kind, _) => !kind.takes_strategic_merge(),
        // Some groups that end like this are of custom resources, which the API says then.
        Named::Object { group, .. } => !is_built_in(group) && !group.ends_with(".k8s.io"),
    };
    if format == Format::Strategic && is_custom {
        let text = "custom resources take no strategic merge patch: use merge, which replaces lists as a whole, or json";
        fields.mistake("type", text);
    }
    if matches!(object, Named::Object { group, kind, .. } if group.is_empty() && kind == "Secret") {
        let text = "what the body holds stands in this file and in the journal: secrets are safer in a manifest of `apply`";
        fields.warn("body", text);
    }
}

fn body(fields: &mut Fields<'_>, format: Option<Format>) -> Option<Value> {
    if !fields.names_field("body") {
        fields.report().mistake(fields.path(), "body is missing");
    }
    let node = fields.node("body")?;
    let read = AsJson(&Budget::default()).deserialize(node.value()).map_err(|error| error.to_string());
    let read = read.and_then(|body| {
        filled::check(&body).map_err(|wrong| wrong.to_string())?;
        match format {
            Some(Format::Json) => check_operations(&body)?,
            Some(_) if !body.is_object() => {
                return Err("must be a mapping; a list of operations is of type: json".to_owned());
            }
            _ => {}
        }
        Ok(body)
    });
    read.map_err(|why| fields.mistake("body", why)).ok()
}

/// Whether these are operations whose places do not depend on what a sender names.
fn check_operations(body: &Value) -> Result<(), String> {
    let operations = body.as_array().filter(|operations| !operations.is_empty());
    let operations =
        operations.ok_or("must be a list of operations: [{op: replace, path: /spec/x, value: 1}]")?;
    for (number, operation) in operations.iter().enumerate() {
        check_operation(operation).map_err(|why| format!("[{number}]: {why}"))?;
    }
    Ok(())
}

fn check_operation(operation: &Value) -> Result<(), String> {
    let text = |field: &str| operation.get(field).and_then(Value::as_str);
    let op = text("op").unwrap_or_default();
    let Some((_, needs)) = OPERATIONS.iter().find(|(name, _)| *name == op) else {
        return Err("op must be add, copy, move, remove, replace or test".to_owned());
    };
    if !needs.is_empty() && operation.get(needs).is_none() {
        return Err(format!("{op} needs {needs}"));
    }
    for field in ["path", "from"].into_iter().filter(|field| *field == "path" || *needs == "from") {
        let Some(pointer) = text(field).filter(|pointer| pointer.is_empty() || pointer.starts_with('/'))
        else {
            return Err(format!("{field} must be a JSON pointer, such as /spec/replicas"));
        };
        if !filled::is_literal(pointer) {
            return Err(format!("{field} cannot hold variables: a value could lead it elsewhere"));
        }
    }
    Ok(())
}
