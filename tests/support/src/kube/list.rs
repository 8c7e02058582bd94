//! Lists: selectors, pages.

use super::kinds::Kind;
use super::route::{Query, Target};
use super::selector::{Fields, Labels};
use super::status::Failure;
use super::store::Stored;
use super::world::{World, shown};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// The field selector of a list request.
pub fn fields(target: &Target, query: &Query) -> Result<Fields, Failure> {
    let group = if target.group.is_empty() { String::new() } else { format!("{}/", target.group) };
    let resource = format!("{group}{}, Resource={}", target.version, target.resource);
    Fields::parse(query.get("fieldSelector").unwrap_or_default(), &resource)
}

/// The list, or one page of it.
pub fn list(world: &World, kind: &Kind, target: &Target, query: &Query) -> Result<Value, Failure> {
    let labels = Labels::parse(query.get("labelSelector").unwrap_or_default())?;
    let fields = fields(target, query)?;
    let limit = match query.get("limit").map(str::parse::<usize>) {
        None | Some(Ok(0)) => usize::MAX,
        Some(Ok(limit)) => limit,
        Some(Err(_)) => {
            let text = query.get("limit").unwrap_or_default();
            let message = format!("strconv.ParseInt: parsing {text:?}: invalid syntax");
            return Err(Failure::bad_request(message));
        }
    };
    let start = query.get("continue").map(start_of).transpose()?;
    let namespace = target.namespace.as_deref();
    let fitting: Vec<&Stored> = world
        .store
        .list(&target.group, &target.resource, namespace)
        .filter(|stored| labels.fits(&stored.object) && fields.fits(&stored.object))
        .filter(|stored| {
            start.as_ref().is_none_or(|start| place(stored, namespace).as_str() >= start.as_str())
        })
        .collect();
    let mut metadata = json!({"resourceVersion": world.store.version().to_string()});
    let page = &fitting[..limit.min(fitting.len())];
    if let (Some(last), true) = (page.last(), page.len() < fitting.len()) {
        let token = json!({
            "v": "meta.k8s.io/v1", "rv": world.store.version(), "start": format!("{}\0", place(last, namespace))
        });
        metadata["continue"] = json!(URL_SAFE_NO_PAD.encode(token.to_string()));
        if labels.is_empty() && fields.is_empty() {
            metadata["remainingItemCount"] = json!(fitting.len() - page.len());
        }
    }
    let item = |stored: &&Stored| {
        let mut object = shown(kind, &target.version, stored);
        if kind.built_in {
            // Typed lists say once, in their own kind, what their items are.
            let map = object.as_object_mut().unwrap();
            map.remove("kind");
            map.remove("apiVersion");
        }
        object
    };
    Ok(json!({
        "kind": format!("{}List", kind.kind), "apiVersion": kind.api_version(&target.version),
        "metadata": metadata, "items": page.iter().map(item).collect::<Vec<_>>()
    }))
}

/// Where an object stands in the list: its name, in a list over all namespaces also the namespace.
fn place(stored: &Stored, namespace: Option<&str>) -> String {
    let metadata = |field: &str| stored.object["metadata"][field].as_str().unwrap_or_default();
    match namespace {
        Some(_) => metadata("name").to_owned(),
        None => format!("{}/{}", metadata("namespace"), metadata("name")),
    }
}

/// The start in a continue token, or the API server's complaint about the token.
fn start_of(token: &str) -> Result<String, Failure> {
    let bad =
        |why: &str| Failure::bad_request(format!("invalid continue token: continue key is not valid: {why}"));
    let bytes = URL_SAFE_NO_PAD
        .decode(token.trim_end_matches('='))
        .map_err(|_| bad("illegal base64 data at input byte 0"))?;
    let token: Value = serde_json::from_slice(&bytes).map_err(|_| bad(&json_error(&bytes)))?;
    if token["v"] != "meta.k8s.io/v1" {
        return Err(bad("server does not recognize this encoded version"));
    }
    token["start"].as_str().map(str::to_owned).ok_or_else(|| bad("continue key is not valid: empty start"))
}

/// Go's words for bytes that are not JSON.
pub fn json_error(bytes: &[u8]) -> String {
    match serde_json::from_slice::<Value>(bytes) {
        Err(error) if error.is_eof() => "unexpected end of JSON input".to_owned(),
        _ => {
            // A byte that no value begins with, printed as the code point of the same number.
            let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace()).copied().unwrap_or_default();
            let quoted = if first.is_ascii_graphic() {
                char::from(first).to_string()
            } else {
                format!("\\u{:04x}", u32::from(first))
            };
            format!("invalid character '{quoted}' looking for beginning of value")
        }
    }
}
