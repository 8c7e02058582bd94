//! The event `package`: a manifest in the container registry. Only addresses name the registry.

use serde::Deserialize;

use super::body::{Repository, User};
use crate::event::{Event, ImagePushed};
use crate::image::{self, is_tag};
use crate::source::{Undecodable, git, json};

#[derive(Deserialize)]
struct Body {
    action: Option<String>,
    package: Option<Package>,
    sender: Option<User>,
}

#[derive(Deserialize)]
struct Package {
    owner: Option<User>,
    repository: Option<Repository>,
    #[serde(rename = "type")]
    kind: Option<String>,
    name: Option<String>,
    version: Option<String>,
    html_url: Option<String>,
}

/// Reads the event and who caused it. `host` is the registry's, where the configuration names it.
pub(super) fn read(body: &[u8], host: Option<&str>) -> Result<(Event, Option<String>), Undecodable> {
    let body: Body = json::read(body)?;
    let action = json::need(body.action, "action")?;
    let package = json::need(body.package, "package")?;
    let event = if action == "created" {
        package.pushed(host)?
    } else {
        Event::ignored(format!("the package's action is {}", git::shown(&action)))
    };
    Ok((event, body.sender.and_then(User::name)))
}

impl Package {
    fn pushed(self, host: Option<&str>) -> Result<Event, Undecodable> {
        let kind = json::need(self.kind, "package.type")?;
        if kind != "container" {
            return Ok(Event::ignored(format!("a package of type {} is no image", git::shown(&kind))));
        }
        let version = json::need(self.version, "package.version")?;
        if version.is_empty() || version.starts_with("sha256:") {
            return Ok(Event::ignored(
                "the manifest has no tag (part of a multi-platform image, or untagged)",
            ));
        }
        if !is_tag(&version) {
            let text = format!("package.version: \"{}\" is no tag", git::shown(&version));
            return Err(Undecodable::UnknownShape(text));
        }
        let owner = json::need(self.owner.and_then(User::name), "package.owner.login")?;
        let name = json::need(self.name, "package.name")?;
        let page = self.repository.and_then(|repository| repository.html_url);
        let named = self.html_url.as_deref().and_then(git::host).or(page.as_deref().and_then(git::host));
        let host = json::need(host.or(named), "package.html_url")?;
        let repository = image::Repository::parse(&format!("{host}/{owner}/{name}"));
        let repository = repository.map_err(|e| Undecodable::UnknownShape(format!("package.name: {e}")))?;
        Ok(Event::Image(ImagePushed { repository, tags: vec![version], digest: None }))
    }
}
