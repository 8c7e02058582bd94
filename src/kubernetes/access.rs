//! Where the Kubernetes API is, and what opens it.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::config::fields::Fields;

/// `kubectl proxy`'s own default.
const DEFAULT_API: &str = "http://localhost:8001";

/// Where a pod finds its `ServiceAccount` (kubernetes.io, "Accessing the Kubernetes API from a Pod").
const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// The longest field manager that the API takes, in bytes.
const LONGEST_MANAGER: usize = 128;

/// How the API is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// Where it is.
    pub api: Address,
    /// A bearer token, read again when it changes.
    pub token_file: Option<PathBuf>,
    /// The certificate authority of the API's certificate (PEM).
    pub ca_file: Option<PathBuf>,
    /// A client certificate and its key (PEM).
    pub client_files: Option<(PathBuf, PathBuf)>,
    /// Who the API shows as the author of a change.
    pub field_manager: String,
    /// Why `api` cannot be used here, though it may be right where the relay runs.
    pub elsewhere: Option<String>,
}

/// Where the API is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// `http://…`: a `kubectl proxy`.
    Http(String),
    /// `unix:///…`: a `kubectl proxy` on a socket.
    Unix(PathBuf),
    /// `https://…`: the API server itself.
    Https(String),
}

impl Default for Access {
    fn default() -> Self {
        Self {
            api: Address::Http(DEFAULT_API.to_owned()),
            token_file: None,
            ca_file: None,
            client_files: None,
            field_manager: "boathook".to_owned(),
            elsewhere: None,
        }
    }
}

impl Access {
    /// Reads the section `kubernetes:`.
    pub fn read(fields: &mut Fields<'_>) -> Self {
        let mut access = Self::default();
        if let Some(api) = fields.string("api") {
            access.set_api(&api).unwrap_or_else(|why| fields.mistake("api", why));
        }
        let mut file = |name| fields.string(name).map(|text| fields.report().file(&text));
        let files = (file("tokenFile"), file("caFile"), file("clientCertFile"), file("clientKeyFile"));
        let (token, ca, certificate, key) = files;
        if matches!(access.api, Address::Https(_)) {
            access.token_file = token.or(access.token_file);
            access.ca_file = ca.or(access.ca_file);
        } else if token.is_some() || ca.is_some() || certificate.is_some() || key.is_some() {
            fields.mistake("api", "tokenFile, caFile and client files go with an https address");
        }
        match (certificate, key) {
            (Some(certificate), Some(key)) => access.client_files = Some((certificate, key)),
            (None, None) => {}
            _ => fields.mistake("clientCertFile", "clientCertFile and clientKeyFile go together"),
        }
        if let Some(manager) = fields.string("fieldManager") {
            if manager.is_empty()
                || manager.len() > LONGEST_MANAGER
                || !manager.chars().all(|c| c.is_ascii_graphic())
            {
                fields.mistake("fieldManager", "must be 1 to 128 printable characters");
            }
            access.field_manager = manager;
        }
        access.advise(fields);
        access.complete().unwrap_or_else(|why| fields.report().mistake(fields.path(), why));
        access
    }

    /// Takes another address: `http://…`, `unix:///…`, `in-cluster` or `https://…`.
    pub fn set_api(&mut self, api: &str) -> Result<(), String> {
        self.elsewhere = None;
        if api == "in-cluster" {
            self.set_in_cluster(Path::new(SERVICE_ACCOUNT), |name| std::env::var(name).ok());
            return Ok(());
        }
        self.api = if let Some(path) = api.strip_prefix("unix://") {
            if !path.starts_with('/') {
                return Err(format!(
                    "{}: the socket needs an absolute path: unix:///run/proxy/kube.sock",
                    show(api)
                ));
            }
            Address::Unix(PathBuf::from(path))
        } else {
            let url = reqwest::Url::parse(api).map_err(|error| format!("{}: {error}", show(api)))?;
            let bare = url.username().is_empty() && url.password().is_none() && url.query().is_none();
            if !bare || url.host().is_none() {
                return Err(format!("{}: must be an address without user and query", show(api)));
            }
            let address = url.as_str().trim_end_matches('/').to_owned();
            match url.scheme() {
                "http" => Address::Http(address),
                "https" => Address::Https(address),
                _ => {
                    return Err(format!(
                        "{}: must be http://…, unix:///…, in-cluster or https://…",
                        show(api)
                    ));
                }
            }
        };
        if !matches!(self.api, Address::Https(_)) {
            (self.token_file, self.ca_file, self.client_files) = (None, None, None);
        }
        Ok(())
    }

    /// The address and files that Kubernetes gives to every pod. Outside one, where a configuration is written
    /// and checked, it is the name that every cluster has.
    fn set_in_cluster(&mut self, service_account: &Path, variable: impl Fn(&str) -> Option<String>) {
        let of_pod = (variable("KUBERNETES_SERVICE_HOST"), variable("KUBERNETES_SERVICE_PORT"));
        let base = if let (Some(host), Some(port)) = of_pod {
            let host = if host.contains(':') { format!("[{host}]") } else { host };
            format!("https://{host}:{port}")
        } else {
            let why = "in-cluster: the environment has no KUBERNETES_SERVICE_HOST and _PORT: is this a pod?";
            self.elsewhere = Some(why.to_owned());
            "https://kubernetes.default.svc".to_owned()
        };
        self.api = Address::Https(base);
        self.token_file = Some(service_account.join("token"));
        self.ca_file = Some(service_account.join("ca.crt"));
    }

    /// Says what is legal but unwise.
    fn advise(&self, fields: &Fields<'_>) {
        if let Some(why) = &self.elsewhere {
            fields.warn("api", why);
        }
        match &self.api {
            Address::Http(base) if !is_loopback(base) => {
                fields.warn(
                    "api",
                    "plain http to another host: whoever is in between, or reaches it, has its rights",
                );
            }
            _ => {}
        }
    }

    /// Whether everything is there that the address needs; says what is not.
    pub fn complete(&self) -> Result<(), String> {
        match self.api {
            Address::Https(_) if self.ca_file.is_none() => {
                Err("kubernetes.caFile is missing: without it no https API could be trusted".to_owned())
            }
            _ => Ok(()),
        }
    }

    /// The beginning of every URL.
    pub fn base(&self) -> &str {
        match &self.api {
            Address::Http(base) | Address::Https(base) => base,
            // kubectl proxy accepts no other Host, on a socket neither.
            Address::Unix(_) => "http://localhost",
        }
    }
}

/// The address, for logs.
impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.api {
            Address::Http(base) | Address::Https(base) => f.write_str(base),
            Address::Unix(path) => write!(f, "unix://{}", path.display()),
        }
    }
}

fn is_loopback(base: &str) -> bool {
    let url = reqwest::Url::parse(base).ok();
    let host = url.as_ref().and_then(reqwest::Url::host_str).unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

fn show(text: &str) -> String {
    format!("\"{}\"", text.escape_debug())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(api: &str) -> Result<String, String> {
        let mut access = Access::default();
        access.set_api(api).map(|()| access.to_string())
    }

    #[test]
    fn addresses_are_read() {
        assert_eq!(set("http://localhost:8001/"), Ok("http://localhost:8001".into()));
        assert_eq!(set("unix:///run/proxy/kube.sock"), Ok("unix:///run/proxy/kube.sock".into()));
        assert_eq!(set("https://10.0.0.1:6443"), Ok("https://10.0.0.1:6443".into()));
        for bad in
            ["", "localhost:8001", "ftp://x", "unix://run/x", "http://u:p@h/", "http://h/?q", "http://"]
        {
            assert!(set(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn in_a_cluster_the_pods_own_files_are_used() {
        let mut access = Access::default();
        let v6 = |name: &str| Some(if name.ends_with("HOST") { "fd00::1" } else { "443" }.to_owned());
        access.set_in_cluster(Path::new("/sa"), v6);
        assert_eq!(access.base(), "https://[fd00::1]:443");
        assert_eq!(access.token_file.as_deref(), Some(Path::new("/sa/token")));
        assert_eq!(access.ca_file.as_deref(), Some(Path::new("/sa/ca.crt")));
        assert_eq!(access.elsewhere, None);
        access.set_in_cluster(Path::new("/sa"), |_| None);
        assert!(access.elsewhere.as_ref().is_some_and(|why| why.contains("KUBERNETES_SERVICE_HOST")));
    }

    #[test]
    fn another_address_does_not_get_what_opens_the_first() {
        let mut access = Access::default();
        access.set_in_cluster(Path::new("/sa"), |_| None);
        access.set_api("http://localhost:8001").unwrap();
        assert_eq!(access, Access::default());
    }

    #[test]
    fn only_loopback_is_plain_http_without_a_warning() {
        assert!(
            is_loopback("http://localhost:8001")
                && is_loopback("http://[::1]:1")
                && is_loopback("http://127.0.0.9")
        );
        assert!(!is_loopback("http://10.0.0.1:8001") && !is_loopback("http://localhost.example.com"));
    }
}
