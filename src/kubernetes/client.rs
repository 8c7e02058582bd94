//! The API client: one request at a time, with a bounded answer and an error that says what was asked.

mod answered;
mod connect;
mod list;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use reqwest::{Method, Response, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;

use self::answered::Answered;
use self::connect::connectable;
pub(super) use self::list::Listing;
#[cfg(test)]
pub(super) use self::list::Page;
use super::access::Access;
use super::any::AnyObject;
use super::credentials::{Token, Watched};
use super::error::{ApiError, Asked, Trouble};
use super::exposure::Exposure;
use super::kind::{Kind, Workload};
use super::object::Object;
use super::patch::PatchRequest;
use super::patched::Patched;
use super::review;
use crate::metrics::Api as Availability;

/// The largest answer that is read, in bytes: a page of large objects.
const LARGEST_ANSWER: usize = 8 * 1024 * 1024;

/// A client of one Kubernetes API.
#[derive(Debug)]
pub struct Client {
    access: Access,
    /// The beginning of every URL.
    base: String,
    state: Mutex<State>,
    /// Whether the API has ever answered.
    answered: AtomicBool,
    availability: Answered,
    exposure: Exposure,
    /// Where no Events can be recorded.
    pub(super) no_events: Mutex<BTreeSet<String>>,
}

#[derive(Debug)]
struct State {
    http: reqwest::Client,
    token: Option<Token>,
    /// The certificate files that `http` was built from.
    certificates: Vec<Watched>,
}

impl Client {
    /// A client that has not connected yet. Fails if certificates cannot be read, or if this is no pod where one
    /// is needed.
    pub fn new(access: &Access) -> Result<Self, String> {
        let base = access.locate(|name| std::env::var(name).ok())?;
        let files = access.client_files.iter().flat_map(|(certificate, key)| [certificate, key]);
        let mut certificates: Vec<_> =
            access.ca_file.iter().chain(files).map(|path| Watched::new(path)).collect();
        for file in &mut certificates {
            file.changed();
        }
        let state = State {
            http: connectable(access)?,
            token: access.token_file.as_deref().map(Token::new),
            certificates,
        };
        Ok(Self {
            access: access.clone(),
            base,
            state: Mutex::new(state),
            answered: AtomicBool::new(false),
            availability: Answered::default(),
            exposure: Exposure::new(access),
            no_events: Mutex::default(),
        })
    }

    /// Whether this is how that API would be reached.
    pub fn is_of(&self, access: &Access) -> bool {
        self.access == *access
    }

    /// Looks whether others can reach the API, which then is not used for changes.
    pub async fn look_around(&self) {
        self.exposure.look(self.answered.load(Ordering::Relaxed)).await;
    }

    /// Whether others could reach the API when it was looked the last time.
    pub fn is_exposed(&self) -> bool {
        self.exposure.is_exposed()
    }

    /// Who the API shows as the author of a change.
    pub fn field_manager(&self) -> &str {
        &self.access.field_manager
    }

    /// The beginning of every URL.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// What the requests so far say of the API.
    pub fn availability(&self) -> Availability {
        self.availability.read()
    }

    /// Takes over what another client of the same API knows of it.
    pub fn goes_on_from(&self, other: &Self) {
        if self.base == other.base {
            self.availability.take_over(&other.availability);
        }
    }

    /// Reads one workload.
    pub async fn get(&self, workload: &Workload) -> Result<Object, ApiError> {
        let asked = asked("get", workload.kind, &workload.namespace, Some(&workload.name));
        self.send(Method::GET, &workload.path(), None, asked).await
    }

    /// Sends a patch.
    pub async fn patch(&self, patch: &PatchRequest) -> Result<Patched, ApiError> {
        self.patch_and_read::<Object>(patch).await.map(Patched::from)
    }

    /// Reads an object of any kind.
    pub async fn get_any(&self, object: &AnyObject) -> Result<Value, ApiError> {
        self.send(Method::GET, &object.path(), None, object.asked("get")).await
    }

    /// Sends a patch and reads what is there now: of a workload, or of any kind.
    pub async fn patch_and_read<T: DeserializeOwned>(&self, patch: &PatchRequest) -> Result<T, ApiError> {
        let body = (patch.content_type, patch.body.to_string().into_bytes());
        self.send(Method::PATCH, &patch.path, Some(body), patch.asked.clone()).await
    }

    pub(super) async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<(&'static str, Vec<u8>)>,
        asked: Asked,
    ) -> Result<T, ApiError> {
        let unreachable = |why: String| ApiError { asked: asked.clone(), trouble: self.unreachable(&why) };
        if method != Method::GET && asked.group != review::GROUP {
            let admitted = self.exposure.admit(self.answered.load(Ordering::Relaxed)).await;
            admitted.map_err(|why| ApiError { asked: asked.clone(), trouble: Trouble::Exposed(why) })?;
        }
        let mut response = self.once(&method, path, body.clone(), false).await.map_err(unreachable)?;
        if response.status() == StatusCode::UNAUTHORIZED && self.access.token_file.is_some() {
            // The token may have been replaced a moment ago.
            response = self.once(&method, path, body, true).await.map_err(unreachable)?;
        }
        let status = response.status();
        let after = retry_after(&response);
        let answer = read(response).await.map_err(unreachable)?;
        if !status.is_success() {
            return Err(ApiError::from_answer(asked, status.as_u16(), after, &answer));
        }
        serde_json::from_slice(&answer).map_err(|error| ApiError {
            asked,
            trouble: Trouble::Other {
                status: status.as_u16(),
                message: format!("the answer is no JSON of the API: {error}"),
            },
        })
    }

    /// Says where the API was looked for, and which file decides whether its certificate is good.
    fn unreachable(&self, why: &str) -> Trouble {
        let authority = match &self.access.ca_file {
            Some(file) if why.contains("peer certificate") => {
                format!(", by the authority in {} (caFile)", file.display())
            }
            _ => String::new(),
        };
        Trouble::Unreachable(format!("{}: {why}{authority}", self.access))
    }

    async fn once(
        &self,
        method: &Method,
        path: &str,
        body: Option<(&'static str, Vec<u8>)>,
        new_token: bool,
    ) -> Result<Response, String> {
        let (http, authorization) = self.ready(new_token)?;
        let mut request = http
            .request(method.clone(), format!("{}{path}", self.base))
            .header(ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(authorization) = authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        if let Some((content_type, bytes)) = body {
            request = request.header(CONTENT_TYPE, HeaderValue::from_static(content_type)).body(bytes);
        }
        let answer = request.send().await;
        // `kubectl proxy` answers 5xx for an API server that is away.
        self.availability.note(answer.as_ref().is_ok_and(|answer| !answer.status().is_server_error()));
        let response = answer.map_err(crate::outside::told)?;
        self.answered.store(true, Ordering::Relaxed);
        Ok(response)
    }

    /// The client and the `Authorization` header of now, after a look at the files.
    fn ready(&self, new_token: bool) -> Result<(reqwest::Client, Option<HeaderValue>), String> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // Every file is looked at, so that each remembers what it has seen.
        let changed = state.certificates.iter_mut().map(Watched::changed).filter(|changed| *changed).count();
        if changed > 0 {
            match connectable(&self.access) {
                Ok(http) => state.http = http,
                Err(why) => log::warn!("the last certificates stay in use: {why}"),
            }
        }
        let authorization = state.token.as_mut().map(|token| token.header(new_token)).transpose()?;
        Ok((state.http.clone(), authorization))
    }
}

/// What a request asks of a kind, for its error.
pub(crate) fn asked(verb: &'static str, kind: Kind, namespace: &str, name: Option<&str>) -> Asked {
    Asked {
        verb,
        group: kind.group().to_owned(),
        resource: kind.plural().to_owned(),
        namespace: namespace.to_owned(),
        name: name.map(str::to_owned),
    }
}

fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    // An hour is as long as anything is tried.
    Some(Duration::from_secs(u64::min(seconds, 3600)))
}

async fn read(mut response: Response) -> Result<Vec<u8>, String> {
    let mut answer = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(crate::outside::told)? {
        if answer.len() + chunk.len() > LARGEST_ANSWER {
            return Err(format!("the answer is larger than {LARGEST_ANSWER} bytes"));
        }
        answer.extend_from_slice(&chunk);
    }
    Ok(answer)
}
