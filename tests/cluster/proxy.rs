//! A way to the API server that can be cut.

use std::sync::Arc;

use support::http::{Response, try_send};
use support::serve::{Answer, Bind, Reply, Request, Server};

/// Passes requests on. While it is away connections are cut and refused, as when the API server is.
pub(super) struct Proxy(Server);

impl Proxy {
    /// To the API server at this address.
    pub(super) fn to(api: &str) -> Self {
        let api = api.to_owned();
        let handler = move |request: Request| {
            let api = api.clone();
            let reply = tokio::task::spawn_blocking(move || pass(&api, &request));
            Box::pin(async move { reply.await.unwrap_or(Reply::Drop) }) as _
        };
        Self(Server::start(Bind::Tcp, Arc::new(handler)))
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.0.address())
    }

    pub(super) fn go_away(&self) {
        self.0.stop();
    }

    pub(super) fn come_back(&self) {
        self.0.restart();
    }
}

fn pass(api: &str, request: &Request) -> Reply {
    let headers: Vec<_> = request
        .headers
        .iter()
        .filter(|(name, _)| !is_for_one_connection(name) && name != "host")
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    match try_send(&request.method, api, &request.path_and_query, &headers, &request.body) {
        Ok(Response { status, headers, body }) => {
            let headers = headers.into_iter().filter(|(name, _)| !is_for_one_connection(name)).collect();
            Reply::Answer(Answer { status, headers, body })
        }
        Err(_) => Reply::Drop,
    }
}

/// Whether a header is about the connection, or about how the body goes over it.
fn is_for_one_connection(name: &str) -> bool {
    ["connection", "content-length", "transfer-encoding", "keep-alive"].contains(&name)
}
