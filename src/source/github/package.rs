//! The events `package` (hooks of repositories and organisations) and `registry_package` (GitHub Apps): a
//! manifest in the container registry. Their bodies differ in one field's name.

use serde::Deserialize;

use super::{User, login};
use crate::event::{Event, ImagePushed};
use crate::image::{Digest, Image, Repository, is_tag};
use crate::source::{Undecodable, git, json};

const REGISTRY: &str = "ghcr.io";
const HELM_CONFIG: &str = "application/vnd.cncf.helm.config.v1+json";

#[derive(Deserialize)]
struct Body {
    action: Option<String>,
    package: Option<Package>,
    registry_package: Option<Package>,
    sender: Option<User>,
}

#[derive(Deserialize)]
struct Package {
    name: Option<String>,
    namespace: Option<String>,
    owner: Option<User>,
    #[serde(rename = "package_type")]
    kind: Option<String>,
    ecosystem: Option<String>,
    registry: Option<Registry>,
    #[serde(rename = "package_version")]
    pushed: Option<Pushed>,
}

#[derive(Deserialize)]
struct Registry {
    url: Option<String>,
}

#[derive(Deserialize)]
struct Pushed {
    /// The manifest's digest.
    version: Option<String>,
    #[serde(rename = "package_url")]
    url: Option<String>,
    #[serde(rename = "container_metadata")]
    container: Option<Container>,
}

#[derive(Deserialize)]
struct Container {
    tag: Option<Tag>,
    manifest: Option<Manifest>,
}

#[derive(Deserialize)]
struct Tag {
    name: Option<String>,
    digest: Option<String>,
}

#[derive(Deserialize)]
struct Manifest {
    digest: Option<String>,
    config: Option<Config>,
}

#[derive(Deserialize)]
struct Config {
    media_type: Option<String>,
}

/// Reads the event of this name and who caused it.
pub(super) fn read(body: &[u8], event: &str) -> Result<(Event, Option<String>), Undecodable> {
    let body: Body = json::read(body)?;
    let package = match event {
        "package" => json::need(body.package, "package")?,
        "registry_package" => json::need(body.registry_package, "registry_package")?,
        // The beta of 2020 had an event of its own.
        _ => json::need(body.package.or(body.registry_package), "package")?,
    };
    let action = json::need(body.action, "action")?;
    let event = if matches!(action.as_str(), "published" | "updated" | "create") {
        package.event()?
    } else {
        Event::ignored(format!("the package's action is {}", git::shown(&action)))
    };
    Ok((event, login(body.sender)))
}

impl Package {
    fn event(self) -> Result<Event, Undecodable> {
        if !self.is_container() {
            let kind = self.kind.or(self.ecosystem).unwrap_or_else(|| "unknown".into());
            return Ok(Event::ignored(format!("a package of type {} is no image", git::shown(&kind))));
        }
        let pushed = json::need(self.pushed.as_ref(), "package.package_version")?;
        if pushed.config_type() == Some(HELM_CONFIG) {
            return Ok(Event::ignored("the package is a Helm chart, not an image"));
        }
        let Some(tag) = pushed.tag() else {
            return Ok(Event::ignored(
                "the manifest has no tag (part of a multi-platform image, or untagged)",
            ));
        };
        if !is_tag(&tag) {
            let path = "package.package_version.container_metadata.tag.name";
            return Err(Undecodable::UnknownShape(format!("{path}: \"{}\" is no tag", git::shown(&tag))));
        }
        let digest = pushed.digest();
        Ok(Event::Image(ImagePushed { repository: self.repository(pushed)?, tags: vec![tag], digest }))
    }

    /// GitHub's own examples say `npm` in one field and `docker` in the other, of images and of npm packages:
    /// the ecosystem alone decides nothing against the type.
    fn is_container(&self) -> bool {
        let is =
            |text: &String| text.eq_ignore_ascii_case("container") || text.eq_ignore_ascii_case("docker");
        let container = self.pushed.as_ref().and_then(|pushed| pushed.container.as_ref());
        let has_tag = container.is_some_and(|container| container.tag.is_some());
        has_tag || self.kind.as_ref().or(self.ecosystem.as_ref()).is_some_and(is)
    }

    /// `package_url` without its tag; else put together from registry, owner and name.
    fn repository(&self, pushed: &Pushed) -> Result<Repository, Undecodable> {
        if let Some(image) = pushed.image() {
            return Ok(image.repository);
        }
        let owner = self.owner.as_ref().and_then(|owner| owner.login.as_deref());
        let namespace = self.namespace.as_deref().and_then(|namespace| namespace.split('/').next());
        let owner = json::need(owner.or(namespace), "package.owner.login")?;
        let name = json::need(self.name.as_deref(), "package.name")?;
        let url = self.registry.as_ref().and_then(|registry| registry.url.as_deref());
        // `CONTAINER.pkg.github.com`, in GitHub's examples, is no registry.
        let host = url.and_then(git::host).filter(|host| !host.ends_with("pkg.github.com"));
        let image = format!("{}/{owner}/{name}", host.unwrap_or(REGISTRY));
        Repository::parse(&image).map_err(|e| Undecodable::UnknownShape(format!("package.name: {e}")))
    }
}

impl Pushed {
    fn config_type(&self) -> Option<&str> {
        self.container.as_ref()?.manifest.as_ref()?.config.as_ref()?.media_type.as_deref()
    }

    /// The image that `package_url` names, if it is one with a registry. An untagged manifest's ends in a colon.
    fn image(&self) -> Option<Image> {
        let url = self.url.as_deref()?.trim_end_matches(':');
        let (host, _) = url.split_once('/')?;
        let named = host.contains(['.', ':']) || host == "localhost";
        named.then(|| Image::parse(url).ok()).flatten()
    }

    /// The tag; `None` for a manifest without one, whose tag is empty, missing or its digest.
    fn tag(&self) -> Option<String> {
        let tag = match self.container.as_ref().and_then(|container| container.tag.as_ref()) {
            Some(tag) => tag.name.clone(),
            None => self.image().and_then(|image| image.tag),
        };
        tag.filter(|tag| !tag.is_empty() && !tag.starts_with("sha256:"))
    }

    /// The first field that holds a valid digest: examples' are often cut short.
    fn digest(&self) -> Option<Digest> {
        let container = self.container.as_ref();
        let tag = container.and_then(|container| container.tag.as_ref()?.digest.as_deref());
        let manifest = container.and_then(|container| container.manifest.as_ref()?.digest.as_deref());
        [tag, manifest, self.version.as_deref()].into_iter().flatten().find_map(Digest::parse)
    }
}
