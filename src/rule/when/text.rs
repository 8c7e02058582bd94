//! Filters that compare one text of an event with globs, and what their globs must look like.

use crate::event::{Event, GitPushed, GitRef};
use crate::rule::glob::Glob;
use crate::rule::name::{kubernetes_name, namespace_name};
use crate::rule::shown::shorten;

use super::kinds::Kinds;

/// Which text of the event a filter looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TextFilter {
    Repository,
    Branch,
    GitTag,
    Environment,
    Namespace,
    Workload,
    Strategy,
}

impl TextFilter {
    /// Every filter, in the order in which they are judged.
    pub(super) const ALL: [Self; 7] = [
        Self::Repository,
        Self::Branch,
        Self::GitTag,
        Self::Environment,
        Self::Namespace,
        Self::Workload,
        Self::Strategy,
    ];

    /// Its field in the configuration.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Repository => "repository",
            Self::Branch => "branch",
            Self::GitTag => "gitTag",
            Self::Environment => "environment",
            Self::Namespace => "namespace",
            Self::Workload => "workload",
            Self::Strategy => "strategy",
        }
    }

    /// The kinds of events that have such a text.
    pub(super) fn kinds(self) -> Kinds {
        match self {
            Self::Repository | Self::Branch | Self::GitTag => Kinds::OF_REPOSITORIES,
            Self::Environment | Self::Namespace | Self::Workload | Self::Strategy => Kinds::DEPLOY,
        }
    }

    /// The event's text; `None` if it has none.
    pub(super) fn text(self, event: &Event) -> Option<&str> {
        match event {
            Event::Git(git) | Event::Pipeline(git) => self.text_of_git(git),
            Event::Deploy(deploy) => match self {
                Self::Environment => Some(&deploy.environment),
                Self::Namespace => Some(&deploy.namespace),
                Self::Workload => Some(&deploy.workload),
                Self::Strategy => Some(&deploy.strategy),
                Self::Repository | Self::Branch | Self::GitTag => None,
            },
            Event::Image(_) | Event::Ping | Event::Ignored { .. } => None,
        }
    }

    fn text_of_git(self, git: &GitPushed) -> Option<&str> {
        match (self, &git.reference) {
            (Self::Repository, _) => Some(&git.repository),
            (Self::Branch, GitRef::Branch(name)) | (Self::GitTag, GitRef::Tag(name)) => Some(name),
            _ => None,
        }
    }

    /// Reads a glob; one that can never match is a mistake with the way out.
    pub(super) fn glob(self, text: &str) -> Result<Glob, String> {
        let glob = Glob::parse(text)?;
        match self {
            Self::Repository => repository(text)?,
            Self::Branch => reference(text, "refs/heads/", "refs/tags/", "gitTag")?,
            Self::GitTag => reference(text, "refs/tags/", "refs/heads/", "branch")?,
            Self::Namespace if glob.is_literal() => namespace_name(text).map(drop)?,
            Self::Workload => workload(text, glob.is_literal())?,
            Self::Environment | Self::Namespace | Self::Strategy => {}
        }
        Ok(glob)
    }

    /// What is legal but hardly meant.
    pub(super) fn doubt(self, glob: &Glob) -> Option<String> {
        let text = glob.source();
        let alone = self == Self::Repository && !text.contains('/') && !text.contains("**");
        alone.then(|| {
            format!(
                "{text} has no owner: repositories are named like acme/web; **/{text} is one of any owner"
            )
        })
    }
}

/// A repository is named by its path on the code host, however it is cloned.
fn repository(text: &str) -> Result<(), String> {
    let path = match (text.split_once("://"), text.split_once('@')) {
        (Some((_, rest)), _) => rest.split_once('/').map(|(_, path)| path),
        (None, Some((_, rest))) => rest.split_once([':', '/']).map(|(_, path)| path),
        (None, None) => Some(text),
    };
    let path = path.unwrap_or_default().trim_matches('/').trim_end_matches(".git");
    if path == text {
        return Ok(());
    }
    let path = if path.is_empty() { "acme/web".to_owned() } else { shorten(path) };
    Err(format!("\"{}\" is not how events name a repository: write {path}", shorten(text)))
}

/// Branches and tags are named as people name them; see git-check-ref-format(1) for what no name contains.
fn reference(text: &str, own: &str, other: &str, other_filter: &str) -> Result<(), String> {
    let shown = shorten(text);
    if let Some(name) = text.strip_prefix(own) {
        return Err(format!("\"{shown}\" is a full reference: write {}", shorten(name)));
    }
    if let Some(name) = text.strip_prefix(other) {
        return Err(format!(
            "\"{shown}\" belongs in {other_filter}: write {other_filter}: {}",
            shorten(name)
        ));
    }
    let forbidden = |c: char| c.is_ascii_control() || " ~^:[\\".contains(c);
    let never = if let Some(c) = text.chars().find(|c| forbidden(*c)) {
        format!("{c:?} is in no name")
    } else if text.contains("..") || text.contains("//") || text.contains("@{") {
        "no name contains .., // or @{".to_owned()
    } else if text.starts_with('/') || text.ends_with('/') {
        "no name begins or ends with /".to_owned()
    } else {
        return Ok(());
    };
    Err(format!("\"{shown}\" can match nothing: {never}"))
}

/// A deploy event names its workload without a type.
fn workload(text: &str, literal: bool) -> Result<(), String> {
    if let Some((_, name)) = text.rsplit_once('/') {
        let shown = shorten(text);
        return Err(format!("\"{shown}\" has a type, and deploy events name none: write {}", shorten(name)));
    }
    if literal { kubernetes_name(text).map(drop) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_that_can_never_match_name_the_way_out() {
        use TextFilter::{Branch, GitTag, Namespace, Repository, Workload};
        for (filter, text, told) in [
            (Branch, "refs/heads/main", "write main"),
            (Branch, "refs/tags/v*", "write gitTag: v*"),
            (GitTag, "refs/tags/v1", "write v1"),
            (GitTag, "refs/heads/main", "write branch: main"),
            (Branch, "feature x", "' ' is in no name"),
            (Branch, "^main$", "'^' is in no name"),
            (Branch, "a..b", "no name contains .."),
            (Branch, "release/", "no name begins or ends with /"),
            (Branch, "", "is empty"),
            (Repository, "https://github.com/acme/web.git", "write acme/web"),
            (Repository, "git@github.com:acme/web.git", "write acme/web"),
            (Repository, "ssh://git@gitlab.example.com:22/a/b/web", "write a/b/web"),
            (Repository, "https://github.com", "write acme/web"),
            (Repository, "acme/web.git", "write acme/web"),
            (Repository, "/acme/web/", "write acme/web"),
            (Namespace, "Default", "is not a namespace's name"),
            (Workload, "deployment/web", "write web"),
            (Workload, "my_web", "is not a Kubernetes name"),
        ] {
            let error = filter.glob(text).unwrap_err();
            assert!(error.contains(told), "{text}: {error}");
        }
        for (filter, text) in [
            (Branch, "feature/**"),
            (Branch, "main"),
            (GitTag, "v?.*"),
            (Repository, "acme/*"),
            (Repository, "**"),
            (Namespace, "team-*"),
            (Workload, "web-?"),
        ] {
            let glob = filter.glob(text).unwrap();
            assert_eq!(filter.doubt(&glob), None, "{text}");
        }
        for alone in ["web", "*"] {
            let doubt = Repository.doubt(&Repository.glob(alone).unwrap()).unwrap();
            assert!(doubt.contains(&format!("**/{alone}")), "{doubt}");
        }
    }
}
