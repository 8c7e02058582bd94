//! What `kubectl proxy` refuses before the API server sees it.

use super::super::serve::{Answer, Request};
use regex_lite::Regex;

/// The proxy's filter; the regular expressions are its flags', comma-separated.
#[derive(Clone, Debug)]
pub struct Proxy {
    pub accept_paths: String,
    pub reject_paths: String,
    pub accept_hosts: String,
    pub reject_methods: String,
}

impl Default for Proxy {
    /// The defaults of `kubectl proxy --help`.
    fn default() -> Self {
        Self {
            accept_paths: "^.*".to_owned(),
            reject_paths: "^/api/.*/pods/.*/exec,^/api/.*/pods/.*/attach".to_owned(),
            accept_hosts: r"^localhost$,^127\.0\.0\.1$,^\[::1\]$".to_owned(),
            reject_methods: "^$".to_owned(),
        }
    }
}

impl Proxy {
    /// The refusal, if this request is refused.
    pub fn refuse(&self, request: &Request) -> Option<Answer> {
        let path = request.path_and_query.split('?').next().unwrap_or_default();
        let host = request.header("host").unwrap_or_default();
        let host = host
            .rsplit_once(':')
            .filter(|(_, port)| port.parse::<u16>().is_ok())
            .map_or(host, |(name, _)| name);
        let any = |list: &str, text: &str| list.split(',').any(|one| Regex::new(one).unwrap().is_match(text));
        let refused = any(&self.reject_methods, &request.method)
            || any(&self.reject_paths, path)
            || !any(&self.accept_paths, path)
            || !any(&self.accept_hosts, host);
        refused.then(|| Answer::text(403, "Forbidden\n"))
    }
}
