//! The Flux v1 API: `POST {api}/v11/notify`, with the bodies that flux-recv sent (fluxcd/flux, `pkg/api/v9`).

use std::fmt;
use std::sync::OnceLock;
use std::time::Duration;

use serde::Serialize;

use crate::config::fields::Fields;
use crate::event::{Event, GitRef};
use crate::image::Repository;
use crate::outside;
use crate::text::shorten;

/// Where fluxd listens when nothing else is said: the same pod.
const DEFAULT_API: &str = "http://localhost:3030/api/flux";

/// How long fluxd may take to take a notification.
const PATIENCE: Duration = Duration::from_secs(10);

/// How Flux v1 is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FluxAccess {
    api: String,
}

impl Default for FluxAccess {
    fn default() -> Self {
        Self { api: DEFAULT_API.to_owned() }
    }
}

impl FluxAccess {
    /// Reads the section `flux:`.
    pub fn read(fields: &mut Fields<'_>) -> Self {
        let mut access = Self::default();
        if let Some(api) = fields.string("api") {
            access.set_api(&api).unwrap_or_else(|why| fields.mistake("api", why));
        }
        access
    }

    /// Takes another address.
    pub fn set_api(&mut self, api: &str) -> Result<(), String> {
        let url = outside::url(api).map_err(|why| format!("\"{}\": {why}", api.escape_debug()))?;
        let bare = url.username().is_empty() && url.password().is_none();
        let bare = bare && url.query().is_none() && url.fragment().is_none();
        if !bare || !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            let text = "must be http://… or https://…, without user and query";
            return Err(format!("\"{}\": {text}", api.escape_debug()));
        }
        api.trim_end_matches('/').clone_into(&mut self.api);
        Ok(())
    }

    /// Where notifications go.
    pub fn notify_url(&self) -> String {
        format!("{}/v11/notify", self.api)
    }
}

impl fmt::Display for FluxAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.api)
    }
}

/// A notification, field by field in the order in which flux-recv wrote it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Notification {
    kind: &'static str,
    source: Source,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
enum Source {
    Git {
        #[serde(rename = "URL")]
        url: String,
        #[serde(rename = "Branch")]
        branch: String,
    },
    Image {
        #[serde(rename = "Name")]
        name: Name,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Name {
    domain: String,
    image: String,
}

impl Notification {
    /// What Flux is told of an event; `None` for one that it cannot use.
    pub fn of(event: &Event) -> Option<Self> {
        match event {
            Event::Image(image) => Some(Self::image(&image.repository)),
            Event::Deploy(deploy) => Some(Self::image(&deploy.image)),
            Event::Git(git) | Event::Pipeline(git) => {
                let branch = match &git.reference {
                    GitRef::Branch(branch) => branch.clone(),
                    // flux-recv took the prefix off branches only.
                    tag @ GitRef::Tag(_) => tag.full(),
                };
                Some(Self { kind: "git", source: Source::Git { url: git.urls.first()?.clone(), branch } })
            }
            Event::Ping | Event::Ignored { .. } => None,
        }
    }

    /// Flux names Docker Hub by no domain at all, and its official images by their last part.
    fn image(repository: &Repository) -> Self {
        let name = if repository.host() == "docker.io" {
            let path = repository.path();
            Name { domain: String::new(), image: path.strip_prefix("library/").unwrap_or(path).to_owned() }
        } else {
            Name { domain: repository.host().to_owned(), image: repository.path().to_owned() }
        };
        Self { kind: "image", source: Source::Image { name } }
    }
}

/// Why Flux was not told, and whether another try can help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FluxError {
    /// In words.
    pub reason: String,
    /// Whether another try can help.
    pub retry: bool,
}

/// A client of one Flux v1 API.
#[derive(Debug)]
pub struct Client {
    url: String,
    /// Made when it is first needed, and kept with its connections.
    http: OnceLock<reqwest::Client>,
}

impl Client {
    /// A client that has not connected yet.
    pub fn new(access: &FluxAccess) -> Self {
        Self { url: access.notify_url(), http: OnceLock::new() }
    }

    /// Tells Flux.
    pub async fn notify(&self, notification: &Notification) -> Result<(), FluxError> {
        let body = serde_json::to_vec(notification)
            .map_err(|error| FluxError { reason: error.to_string(), retry: false })?;
        let headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
        let answer = match self.http() {
            Ok(http) => outside::post_with(http, &self.url, headers, body).await,
            Err(why) => Err(why),
        };
        match answer {
            Ok((200..=299, _)) => Ok(()),
            Ok((status, answer)) => Err(FluxError {
                reason: format!("Flux answers {status}: {}", shorten(answer.trim())),
                retry: status == 429 || status >= 500,
            }),
            Err(why) => {
                let reason = format!("Flux cannot be reached: {}: {why}", self.url);
                Err(FluxError { reason, retry: true })
            }
        }
    }

    fn http(&self) -> Result<&reqwest::Client, String> {
        if let Some(http) = self.http.get() {
            return Ok(http);
        }
        let made = outside::client(PATIENCE)?;
        Ok(self.http.get_or_init(|| made))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{GitPushed, ImagePushed};

    fn json(event: &Event) -> String {
        serde_json::to_string(&Notification::of(event).unwrap()).unwrap()
    }

    fn git(reference: GitRef) -> Event {
        let urls = vec!["git@github.com:acme/fleet.git".into(), "https://github.com/acme/fleet.git".into()];
        Event::Git(GitPushed { repository: "acme/fleet".into(), urls, reference, commit: None })
    }

    #[test]
    fn addresses_are_read() {
        let set = |api: &str| {
            let mut access = FluxAccess::default();
            access.set_api(api).map(|()| access.notify_url())
        };
        let expected = Ok("http://fluxd:3030/api/flux/v11/notify".to_owned());
        assert_eq!(set("http://fluxd:3030/api/flux/"), expected);
        for bad in ["", "localhost:3030", "unix:///run/flux", "http://u:p@h/", "http://h/?q", "http://h/#f"] {
            assert!(set(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_flux_cannot_use_makes_no_notification() {
        let mut no_url = git(GitRef::Branch("main".into()));
        if let Event::Git(git) = &mut no_url {
            git.urls.clear();
        }
        for event in [no_url, Event::Ping, Event::ignored("a pull")] {
            assert_eq!(Notification::of(&event), None);
        }
    }

    #[test]
    fn notifications_are_byte_for_byte_those_of_flux_recv() {
        assert_eq!(
            json(&git(GitRef::Branch("main".into()))),
            r#"{"Kind":"git","Source":{"URL":"git@github.com:acme/fleet.git","Branch":"main"}}"#
        );
        assert_eq!(
            json(&git(GitRef::Tag("v1".into()))),
            r#"{"Kind":"git","Source":{"URL":"git@github.com:acme/fleet.git","Branch":"refs/tags/v1"}}"#
        );
        for (repository, domain, image) in [
            ("quay.io/acme/web", "quay.io", "acme/web"),
            ("svendowideit/testhook", "", "svendowideit/testhook"),
            ("nginx", "", "nginx"),
        ] {
            let repository = Repository::parse(repository).unwrap();
            let event = Event::Image(ImagePushed { repository, tags: vec!["x".into()], digest: None });
            let expected = format!(
                r#"{{"Kind":"image","Source":{{"Name":{{"Domain":"{domain}","Image":"{image}"}}}}}}"#
            );
            assert_eq!(json(&event), expected);
        }
    }
}
