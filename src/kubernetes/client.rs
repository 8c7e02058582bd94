//! The API client: one request at a time, with a bounded answer and an error that says what was asked.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use reqwest::{Method, Response, StatusCode};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde::de::DeserializeOwned;

use super::access::{Access, Address};
use super::credentials::{Token, Watched};
use super::dns::Localhost;
use super::error::{ApiError, Asked, Trouble};
use super::kind::{Kind, Workload};
use super::object::{Object, Page};
use super::patch::PatchRequest;
use super::selector::Selector;

const CONNECT_TIME: Duration = Duration::from_secs(5);

/// How long one request may take.
const REQUEST_TIME: Duration = Duration::from_secs(30);

/// How long an unused connection is kept: after that its memory goes back.
const POOL_IDLE: Duration = Duration::from_secs(20);

/// Objects in one page of a list: a page is held in memory as a whole.
const PAGE: usize = 25;

/// The largest answer that is read, in bytes: a page of large objects.
const LARGEST_ANSWER: usize = 8 * 1024 * 1024;

/// How often a list that expires while it is read is begun again.
const LIST_STARTS: usize = 3;

/// stub
#[derive(Debug)]
pub struct Written {
    /// g
    pub generation: i64,
}

/// A client of one Kubernetes API.
#[derive(Debug)]
pub struct Client {
    access: Access,
    /// The beginning of every URL.
    base: String,
    state: Mutex<State>,
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
        Ok(Self { access: access.clone(), base, state: Mutex::new(state) })
    }

    /// Who the API shows as the author of a change.
    pub fn field_manager(&self) -> &str {
        &self.access.field_manager
    }

    /// The beginning of every URL.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Reads one workload.
    pub async fn get(&self, workload: &Workload) -> Result<Object, ApiError> {
        let asked = asked("get", workload.kind, &workload.namespace, Some(&workload.name));
        self.send(Method::GET, &workload.path(), None, asked).await
    }

    /// Lists the workloads of a kind in a namespace, page by page, keeping what `keep` makes of each.
    pub async fn list<T>(
        &self,
        kind: Kind,
        namespace: &str,
        selector: Option<&Selector>,
        mut keep: impl FnMut(Object) -> Option<T>,
    ) -> Result<Vec<T>, ApiError> {
        let asked = asked("list", kind, namespace, None);
        let mut starts = 1;
        let (mut kept, mut next) = (Vec::new(), None::<String>);
        loop {
            let path = format!("{}?{}", kind.collection(namespace), query(selector, next.as_deref()));
            let page: Page = match self.send(Method::GET, &path, None, asked.clone()).await {
                Ok(page) => page,
                Err(ApiError { trouble: Trouble::Gone, .. }) if starts < LIST_STARTS => {
                    starts += 1;
                    (kept, next) = (Vec::new(), None);
                    continue;
                }
                Err(error) => return Err(error),
            };
            kept.extend(page.items.into_iter().filter_map(&mut keep));
            next = page.metadata.next.filter(|token| !token.is_empty());
            if next.is_none() {
                return Ok(kept);
            }
        }
    }

    /// Sends a patch. What the API answers is not kept.
    pub async fn patch(&self, patch: &PatchRequest) -> Result<Written, ApiError> {
        let body = (patch.content_type, patch.body.to_string().into_bytes());
        let o: Object = self.send(Method::PATCH, &patch.path, Some(body), patch.asked.clone()).await?;
        Ok(Written { generation: o.metadata.generation })
    }

    async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<(&'static str, Vec<u8>)>,
        asked: Asked,
    ) -> Result<T, ApiError> {
        let unreachable = |why: String| ApiError { asked: asked.clone(), trouble: self.unreachable(&why) };
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
        request.send().await.map_err(crate::outside::told)
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

/// The query of one page of a list.
fn query(selector: Option<&Selector>, next: Option<&str>) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("limit", &PAGE.to_string());
    if let Some(selector) = selector {
        query.append_pair("labelSelector", selector.as_str());
    }
    if let Some(next) = next {
        query.append_pair("continue", next);
    }
    query.finish()
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

/// An HTTP client for this access.
fn connectable(access: &Access) -> Result<reqwest::Client, String> {
    let mut client = reqwest::Client::builder()
        // An image without files has no roots, and the API's certificate is signed by none of them anyway.
        .tls_backend_preconfigured(tls(access)?)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .dns_resolver(Arc::new(Localhost))
        .connect_timeout(CONNECT_TIME)
        .timeout(REQUEST_TIME)
        .pool_idle_timeout(POOL_IDLE);
    if let Address::Unix(path) = &access.api {
        client = client.unix_socket(path.clone());
    }
    client.build().map_err(crate::outside::told)
}

fn tls(access: &Access) -> Result<rustls::ClientConfig, String> {
    let mut roots = rustls::RootCertStore::empty();
    if let Some(file) = &access.ca_file {
        let shown = file.display();
        let bytes = std::fs::read(file).map_err(|error| format!("{shown} cannot be read: {error}"))?;
        for certificate in CertificateDer::pem_slice_iter(&bytes) {
            let certificate = certificate.map_err(|error| format!("{shown} is not PEM: {error}"))?;
            roots
                .add(certificate)
                .map_err(|error| format!("{shown} has a certificate that is not valid: {error}"))?;
        }
        if roots.is_empty() {
            return Err(format!("{shown} has no certificate"));
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots);
    let Some((certificate, key)) = &access.client_files else { return Ok(tls.with_no_client_auth()) };
    let read = |file: &std::path::Path| {
        std::fs::read(file).map_err(|error| format!("{} cannot be read: {error}", file.display()))
    };
    let chain = CertificateDer::pem_slice_iter(&read(certificate)?)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| format!("{} is not PEM: {error}", certificate.display()))?;
    let key_bytes = read(key)?;
    let private = PrivateKeyDer::from_pem_slice(&key_bytes)
        .map_err(|error| format!("{} has no key: {error}", key.display()))?;
    tls.with_client_auth_cert(chain, private).map_err(|error| {
        format!("{} and {} do not go together: {error}", certificate.display(), key.display())
    })
}
