//! Everything the double knows.

use super::super::serve::Request;
use super::controller::{self, Rollouts};
use super::fault::Faults;
use super::kinds::Kind;
use super::proxy::Proxy;
use super::rbac::Access;
use super::route::Target;
use super::status::Failure;
use super::store::{Key, Store, Stored};
use super::writes::Writes;
use serde_json::{Value, json};
use std::time::Instant;

/// One request that arrived.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// Counts the double's requests from 0.
    pub number: u64,
    pub method: String,
    pub path_and_query: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// JSON where the body is JSON, else text; null when there is none.
    pub body: Value,
    /// 0 until it is answered, and for good when it never is.
    pub status: u16,
    pub at: Instant,
}

impl Recorded {
    /// Notes a request that has just arrived.
    pub fn new(number: u64, request: &Request) -> Self {
        let body = match request.body.as_slice() {
            [] => Value::Null,
            bytes => serde_json::from_slice(bytes)
                .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(bytes).into_owned())),
        };
        Self {
            number,
            method: request.method.clone(),
            path_and_query: request.path_and_query.clone(),
            headers: request.headers.clone(),
            body,
            status: 0,
            at: Instant::now(),
        }
    }

    /// Whether it asks what the caller may do.
    pub fn is_review(request: &Request) -> bool {
        request.path_and_query.starts_with("/apis/authorization.k8s.io/")
    }

    /// The path without the query.
    pub fn path(&self) -> &str {
        self.path_and_query.split('?').next().unwrap_or_default()
    }

    /// The first value of a header, its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// The double's state.
#[derive(Default)]
pub struct World {
    pub kinds: Vec<Kind>,
    pub store: Store,
    pub access: Access,
    /// The bearer token that is asked for.
    pub token: Option<String>,
    /// Whether a client certificate is asked for.
    pub certificate: bool,
    pub faults: Faults,
    pub proxy: Option<Proxy>,
    pub rollouts: Rollouts,
    pub requests: Vec<Recorded>,
    /// Requests that ask what the caller may do: a relay sends them by itself, whatever a test is about.
    pub reviews: Vec<Recorded>,
    pub writes: Writes,
    pub arrived: u64,
}

impl World {
    /// Who is calling.
    pub fn authenticate(&self, request: &Request) -> Result<(), Failure> {
        let bearer = request.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
        let token = self.token.as_deref().is_none_or(|token| bearer == Some(token));
        let certificate = !self.certificate || request.client_certificate;
        if token && certificate { Ok(()) } else { Err(Failure::unauthorized()) }
    }

    /// The kind that a path names, if it is served.
    pub fn kind(&self, target: &Target) -> Result<Kind, Failure> {
        self.kinds
            .iter()
            .find(|kind| {
                kind.group == target.group
                    && kind.plural == target.resource
                    && kind.versions.contains(&target.version)
                    && (kind.namespaced || target.namespace.is_none())
            })
            .cloned()
            .ok_or_else(Failure::no_such_path)
    }

    /// Somebody has written this object: it is noted, and the controllers have a look.
    pub fn wrote(&mut self, kind: &Kind, key: &Key, object: &Value, manager: &str) {
        self.writes.note(kind, key, object, manager);
        controller::changed(self, key, object);
    }

    /// The kind of an object.
    pub fn kind_of(&self, object: &Value) -> Option<Kind> {
        self.kinds.iter().find(|kind| kind.is_of(object)).cloned()
    }

    /// The kind that a test names (`deployments`, `services.serving.knative.dev`, `ksvc`).
    pub fn kind_named(&self, name: &str) -> Option<Kind> {
        self.kinds.iter().find(|kind| kind.is_named(name)).cloned()
    }
}

/// An object as it is answered: in the asked version, with managedFields.
pub fn shown(kind: &Kind, version: &str, stored: &Stored) -> Value {
    let mut object = stored.object.clone();
    let api_version = kind.api_version(version);
    object["kind"] = json!(kind.kind);
    let managed = stored.owners.managed_fields(&api_version);
    object["apiVersion"] = json!(api_version);
    if managed.as_array().is_some_and(|entries| !entries.is_empty()) {
        object["metadata"]["managedFields"] = managed;
    }
    object
}

/// The key of the object that a path names.
pub fn key(target: &Target) -> Key {
    (
        target.group.clone(),
        target.resource.clone(),
        target.namespace.clone().unwrap_or_default(),
        target.name.clone().unwrap_or_default(),
    )
}
