//! Where the Kubernetes API is, and what opens it.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::config::fields::Fields;
use crate::outside;

/// `kubectl proxy`'s own default.
const DEFAULT_API: &str = "http://localhost:8001";

/// Where a pod finds its `ServiceAccount` (kubernetes.io, "Accessing the Kubernetes API from a Pod").
const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// The API server's name inside of every cluster (kubernetes.io, same page).
const IN_CLUSTER: &str = "https://kubernetes.default.svc";

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
    /// Changes are sent through a proxy that others can reach, too.
    pub allow_exposed: bool,
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
    /// `in-cluster`: the API server of the cluster that this process is a pod of.
    InCluster,
}

impl Default for Access {
    fn default() -> Self {
        Self {
            api: Address::Http(DEFAULT_API.to_owned()),
            token_file: None,
            ca_file: None,
            client_files: None,
            field_manager: "boathook".to_owned(),
            allow_exposed: false,
        }
    }
}

impl Access {
    /// Reads the section `kubernetes:`.
    pub fn read(fields: &mut Fields<'_>) -> Self {
        let mut access = Self::default();
        let api = fields.string("api").map(|api| access.set_api(&api));
        let readable = api.as_ref().is_none_or(Result::is_ok);
        if let Some(Err(why)) = api {
            fields.mistake("api", why);
        }
        let mut file = |name| fields.string(name).map(|text| fields.report().file(&text));
        let files = (file("tokenFile"), file("caFile"), file("clientCertFile"), file("clientKeyFile"));
        let (token, ca, certificate, key) = files;
        if access.is_tls() {
            access.token_file = token.or(access.token_file);
            access.ca_file = ca.or(access.ca_file);
        } else if readable && (token.is_some() || ca.is_some() || certificate.is_some() || key.is_some()) {
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
        access.allow_exposed = fields.flag("allowExposedApi").unwrap_or(false);
        if access.allow_exposed {
            fields.warn("allowExposedApi", "whoever reaches the proxy from elsewhere has its rights");
        }
        access.advise(fields);
        access
    }

    /// Takes another address: `http://…`, `unix:///…`, `in-cluster` or `https://…`. Credentials that belong to
    /// the old one are not taken along to one that they are not meant for.
    pub fn set_api(&mut self, api: &str) -> Result<(), String> {
        let old = std::mem::replace(&mut self.api, address(api)?);
        match (&old, &self.api) {
            (Address::Https(_), Address::Https(_)) | (Address::InCluster, Address::InCluster) => {}
            (_, Address::InCluster) => {
                let file = |name| Some(Path::new(SERVICE_ACCOUNT).join(name));
                (self.token_file, self.ca_file, self.client_files) = (file("token"), file("ca.crt"), None);
            }
            _ => (self.token_file, self.ca_file, self.client_files) = (None, None, None),
        }
        Ok(())
    }

    /// What is missing, if it could not be used.
    pub fn check(&self) -> Result<(), &'static str> {
        if self.is_tls() && self.ca_file.is_none() {
            return Err("caFile is missing: without it no https API could be trusted");
        }
        Ok(())
    }

    /// The beginning of every URL, of a cluster's own API server by the environment that Kubernetes gives to
    /// every pod: an address needs no look-up.
    pub(super) fn locate(&self, variable: impl Fn(&str) -> Option<String>) -> Result<String, String> {
        if self.api != Address::InCluster {
            return Ok(self.base().to_owned());
        }
        let needed = |name: &str| {
            variable(name).ok_or_else(|| format!("in-cluster: the environment has no {name}: is this a pod?"))
        };
        let (host, port) = (needed("KUBERNETES_SERVICE_HOST")?, needed("KUBERNETES_SERVICE_PORT")?);
        let host = if host.contains(':') { format!("[{host}]") } else { host };
        Ok(format!("https://{host}:{port}"))
    }

    fn is_tls(&self) -> bool {
        matches!(self.api, Address::Https(_) | Address::InCluster)
    }

    /// Says what is legal but unwise, and what cannot work.
    fn advise(&self, fields: &Fields<'_>) {
        if let Address::Http(base) = &self.api
            && !is_loopback(base)
        {
            let text = "plain http to another host: whoever is in between, or reaches it, has its rights";
            fields.warn("api", text);
        }
        if let Err(why) = self.check() {
            fields.mistake("api", why);
        }
    }

    /// The beginning of every URL. Inside of a cluster it is the name that the API server has there.
    pub fn base(&self) -> &str {
        match &self.api {
            Address::Http(base) | Address::Https(base) => base,
            Address::InCluster => IN_CLUSTER,
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
            Address::InCluster => f.write_str("in-cluster"),
        }
    }
}

/// Reads an address.
fn address(api: &str) -> Result<Address, String> {
    if api == "in-cluster" {
        return Ok(Address::InCluster);
    }
    if let Some(path) = api.strip_prefix("unix://") {
        if !path.starts_with('/') {
            let text = "the socket needs an absolute path: unix:///run/proxy/kube.sock";
            return Err(format!("{}: {text}", show(api)));
        }
        return Ok(Address::Unix(PathBuf::from(path)));
    }
    let url = outside::url(api).map_err(|why| format!("{}: {why}", show(api)))?;
    let anonymous = url.username().is_empty() && url.password().is_none();
    if !anonymous || url.query().is_some() || url.fragment().is_some() || url.host().is_none() {
        return Err(format!("{}: must be an address without user and query", show(api)));
    }
    let base = url.as_str().trim_end_matches('/').to_owned();
    match url.scheme() {
        "http" => Ok(Address::Http(base)),
        "https" => Ok(Address::Https(base)),
        _ => Err(format!("{}: must be http://…, unix:///…, in-cluster or https://…", show(api))),
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
mod tests;
