//! Requests to addresses outside the cluster: Google's key set, and `send`'s own.

use std::time::Duration;

use crate::kubernetes::dns::Localhost;

/// The largest answer that is read, in bytes.
const LARGEST: usize = 1024 * 1024;

/// Sends a POST; returns the answer's status and body.
pub async fn post(
    url: &str,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    patience: Duration,
) -> Result<(u16, String), String> {
    post_with(&client(patience)?, url, headers, body).await
}

/// Sends a POST through a client that is kept; returns the answer's status and body.
pub(crate) async fn post_with(
    client: &reqwest::Client,
    url: &str,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
) -> Result<(u16, String), String> {
    let headers = crate::source::headers(&headers)?;
    let (status, body) = answer(client.post(url).headers(headers).body(body)).await?;
    Ok((status, String::from_utf8_lossy(&body).into_owned()))
}

/// Fetches a document; anything but 200 is an error.
pub async fn get(url: &str, patience: Duration) -> Result<Vec<u8>, String> {
    match answer(client(patience)?.get(url)).await? {
        (200, body) => Ok(body),
        (status, _) => Err(format!("the answer is {status}")),
    }
}

async fn answer(request: reqwest::RequestBuilder) -> Result<(u16, Vec<u8>), String> {
    let mut response = request.send().await.map_err(told)?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(told)? {
        if body.len() + chunk.len() > LARGEST {
            return Err(format!("the answer is larger than {LARGEST} bytes"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok((response.status().as_u16(), body))
}

/// Reads a URL; what is wrong with it is said without it.
pub(crate) fn url(text: &str) -> Result<reqwest::Url, String> {
    reqwest::Url::parse(text).map_err(|error| {
        let way_out = if text.is_ascii() {
            ""
        } else {
            " (a host with other letters than ASCII is written as xn--…)"
        };
        format!("{error}{way_out}")
    })
}

/// The innermost cause says most. The URL is left out: its path may be a credential.
pub(crate) fn told(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut cause: &dyn std::error::Error = &error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

/// A client with the roots that browsers trust: an image without files has none of its own.
pub(crate) fn client(patience: Duration) -> Result<reqwest::Client, String> {
    builder(patience)?.build().map_err(told)
}

/// What becomes such a client.
pub(crate) fn builder(patience: Duration) -> Result<reqwest::ClientBuilder, String> {
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .dns_resolver(std::sync::Arc::new(Localhost))
        .connect_timeout(Duration::from_secs(5))
        .pool_idle_timeout(Duration::from_secs(20))
        .timeout(patience);
    Ok(builder)
}
