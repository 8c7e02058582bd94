//! Where Artifactory's images are pulled from, which its deliveries do not say: they name a repository, and
//! how its name becomes part of an image's is up to the server's Docker access method.

use super::registry::{below, host_of_url, registry_host};
use crate::config::fields::Fields;
use crate::image::Repository;

/// Artifactory's Docker access methods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    /// `acme.jfrog.io/docker-local/web`
    Path,
    /// `docker-local.acme.jfrog.io/web`
    Subdomain,
    /// `registry.example.com:5001/web`: one port, or one host, for one repository.
    Port,
}

/// How an image is named.
#[derive(Debug)]
pub struct Layout {
    method: Method,
    registry_host: Option<String>,
    repository: Option<String>,
}

impl Layout {
    /// Reads `layout: path|subdomain|port` (path without it), `registryHost` (the host instead of the one that
    /// the delivery says it comes from) and `repository` (a virtual repository, by which images are pulled
    /// that were pushed to the local one).
    pub fn configure(fields: &mut Fields<'_>) -> Self {
        let words = [("path", Method::Path), ("subdomain", Method::Subdomain), ("port", Method::Port)];
        let method = fields.one_of("layout", &words).unwrap_or(Method::Path);
        let registry_host = registry_host(fields);
        if method == Method::Port && !fields.has("registryHost") {
            let text = "needs registryHost, such as registry.example.com:5001: the port is in no delivery";
            fields.mistake("layout", text);
        }
        let repository = fields.string("repository");
        if let Some(repository) = &repository
            && (repository.contains('/') || Repository::parse(&format!("localhost/{repository}")).is_err())
        {
            fields.mistake("repository", "must be the key of a repository, such as docker");
        }
        Self { method, registry_host, repository }
    }

    /// The name of an image that was pushed to this repository of this server; fails if nobody says the host.
    pub fn name(&self, origin: Option<&str>, repo_key: &str, image: &str) -> Result<String, &'static str> {
        let host = self.registry_host.as_deref().or_else(|| origin.and_then(host_of_url));
        let host = host.ok_or("no host there; say it as registryHost")?;
        let repository = self.repository.as_deref().unwrap_or(repo_key);
        Ok(match self.method {
            Method::Path => format!("{host}/{repository}/{image}"),
            Method::Subdomain => format!("{repository}.{host}/{image}"),
            Method::Port => format!("{host}/{image}"),
        })
    }

    /// The origin, repository and image that [`Self::name`] makes this name of, as far as that can be.
    pub fn parts(&self, name: &Repository) -> (String, String, String) {
        let (mut host, mut image) = (name.host(), below(name, self.registry_host.as_deref()));
        let split = match self.method {
            Method::Path => image.split_once('/').inspect(|(_, rest)| image = rest).map(|(key, _)| key),
            Method::Subdomain => host.split_once('.').inspect(|(_, rest)| host = rest).map(|(key, _)| key),
            Method::Port => None,
        };
        (format!("https://{host}"), split.unwrap_or("docker-local").to_owned(), image.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::configured;
    use super::super::{Setting, artifactory};
    use super::*;

    fn layout(method: Method, registry_host: Option<&str>, repository: Option<&str>) -> Layout {
        Layout {
            method,
            registry_host: registry_host.map(str::to_owned),
            repository: repository.map(str::to_owned),
        }
    }

    #[test]
    fn every_access_method() {
        let name =
            |layout: &Layout| layout.name(Some("https://acme.jfrog.io/artifactory"), "docker-local", "a/web");
        let path = layout(Method::Path, None, None);
        assert_eq!(name(&path).unwrap(), "acme.jfrog.io/docker-local/a/web");
        assert!(path.name(None, "docker-local", "web").is_err());
        assert!(path.name(Some("acme.jfrog.io"), "docker-local", "web").is_err(), "no URL");
        let own = layout(Method::Path, Some("registry.example.com"), Some("docker"));
        assert_eq!(name(&own).unwrap(), "registry.example.com/docker/a/web");
        assert_eq!(own.name(None, "docker-local", "web").unwrap(), "registry.example.com/docker/web");
        let subdomain = layout(Method::Subdomain, None, None);
        assert_eq!(name(&subdomain).unwrap(), "docker-local.acme.jfrog.io/a/web");
        let port = layout(Method::Port, Some("registry.example.com:5001"), None);
        assert_eq!(name(&port).unwrap(), "registry.example.com:5001/a/web");
    }

    #[test]
    fn names_are_taken_apart_for_samples() {
        for layout in [
            layout(Method::Path, None, None),
            layout(Method::Path, Some("ghcr.io"), None),
            layout(Method::Subdomain, None, None),
            layout(Method::Port, Some("ghcr.io"), None),
        ] {
            let web = Repository::parse("ghcr.io/acme/web").unwrap();
            let (origin, repo_key, image) = layout.parts(&web);
            assert_eq!(layout.name(Some(&origin), &repo_key, &image).unwrap(), web.as_str(), "{layout:?}");
        }
    }

    #[test]
    fn mistakes_are_told() {
        let mistakes = |yaml| configured(&artifactory::SOURCE, yaml, &Setting::default()).1;
        assert_eq!(mistakes("{layout: port, registryHost: 'registry.example.com:5001'}"), [""; 0]);
        assert!(mistakes("layout: port")[0].contains("needs registryHost"));
        assert!(mistakes("repository: a/b")[0].contains("key of a repository"));
        assert_eq!(mistakes("layout: subdomian").len(), 1);
        assert_eq!(mistakes("signature: none").len(), 1);
    }
}
