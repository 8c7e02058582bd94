//! What the registries' sources have in common: from a pushed repository, tags and digest to an event.

use std::collections::{HashMap, HashSet};

use super::Undecodable;
use crate::config::fields::Fields;
use crate::event::{Event, ImagePushed};
use crate::image::{Digest, Repository, is_tag};

/// The event of one pushed manifest. `at` is the JSON path of `name`, for the case that it names no repository.
/// Without a tag (a child of a multi-platform image, a push by digest) the push is ignored; a digest that is
/// not a valid one is dropped.
pub fn pushed<'a>(
    name: &str,
    at: &str,
    tags: impl IntoIterator<Item = &'a str>,
    digest: Option<&str>,
) -> Result<Event, Undecodable> {
    let repository = Repository::parse(name);
    let repository = repository.map_err(|error| Undecodable::UnknownShape(format!("{at}: {error}")))?;
    let mut seen = HashSet::new();
    let tags = tags.into_iter().filter(|tag| is_tag(tag) && !is_digest(tag, digest) && seen.insert(*tag));
    let tags: Vec<String> = tags.map(str::to_owned).collect();
    if tags.is_empty() {
        return Ok(Event::ignored(format!("{repository} was pushed without a tag")));
    }
    Ok(Event::Image(ImagePushed { repository, tags, digest: digest.and_then(Digest::parse) }))
}

/// Whether a tag is the digest in disguise: Harbor puts the digest there, Artifactory `sha256__` and its digits.
fn is_digest(tag: &str, digest: Option<&str>) -> bool {
    let digits = tag.strip_prefix("sha256__").unwrap_or(tag);
    let same = digest.is_some_and(|digest| digest.strip_prefix("sha256:").unwrap_or(digest) == digits);
    same || Digest::parse(&format!("sha256:{digits}")).is_some() && digits != tag
}

/// Pushes of the same manifest become one event with all its tags, and an ignored event is told once; the
/// order is that of the first ones.
pub fn merge(events: impl IntoIterator<Item = Event>) -> Vec<Event> {
    let mut merged: Vec<Event> = Vec::new();
    let mut places: HashMap<(Repository, Option<Digest>), usize> = HashMap::new();
    let (mut reasons, mut seen) = (HashSet::new(), HashSet::new());
    for event in events {
        match event {
            Event::Image(mut image) => {
                let key = (image.repository.clone(), image.digest.clone());
                let place = *places.entry(key).or_insert(merged.len());
                image.tags.retain(|tag| seen.insert((place, tag.clone())));
                match merged.get_mut(place) {
                    Some(Event::Image(first)) => first.tags.append(&mut image.tags),
                    _ => merged.push(Event::Image(image)),
                }
            }
            Event::Ignored { reason } => {
                if reasons.insert(reason.clone()) {
                    merged.push(Event::Ignored { reason });
                }
            }
            other => merged.push(other),
        }
    }
    merged
}

/// Takes `host/path:tag@sha256:…` apart without judging the parts: name, tag, digest. A part that is missing
/// or empty is `None`.
pub fn split_reference(reference: &str) -> (&str, Option<&str>, Option<&str>) {
    let (name, digest) = reference.split_once('@').map_or((reference, None), |(name, d)| (name, Some(d)));
    let (name, tag) = match name.rsplit_once(':') {
        // A colon before a slash belongs to the host's port.
        Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
        _ => (name, None),
    };
    (name, tag.filter(|tag| !tag.is_empty()), digest.filter(|digest| !digest.is_empty()))
}

/// Whether a media type is that of an image's manifest or of an index of them, and not of a layer, a
/// configuration or a chart. A sender that does not say it is believed.
pub fn is_image_manifest(media_type: Option<&str>) -> bool {
    let Some(media_type) = media_type.filter(|text| !text.is_empty()) else { return true };
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    [
        "application/vnd.docker.distribution.manifest.v2+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.oci.image.index.v1+json",
    ]
    .iter()
    .any(|known| essence.eq_ignore_ascii_case(known))
}

/// The host, with its port, of an absolute URL: `acme.jfrog.io` of `https://acme.jfrog.io/artifactory`.
pub fn host_of_url(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    (!host.is_empty()).then_some(host)
}

/// Reads `registryHost`: what stands before the image's name where the sender does not say it, or says a name
/// that nobody pulls by. Slashes at its end are dropped, a path is kept.
pub fn registry_host(fields: &mut Fields<'_>) -> Option<String> {
    let host = fields.string("registryHost")?;
    let host = host.trim_end_matches('/');
    if Repository::parse(&format!("{host}/image")).is_err() {
        let text =
            "must be a registry's host, with its port if it has one, such as registry.example.com:5000";
        fields.mistake("registryHost", text);
        return None;
    }
    Some(host.to_owned())
}

/// The path of a sample's image below this host: what a sender that does not say the host calls the image.
pub fn below<'a>(image: &'a Repository, host: Option<&str>) -> &'a str {
    let prefix = host.map(|host| format!("{}/", host.to_ascii_lowercase()));
    prefix.and_then(|prefix| image.as_str().strip_prefix(&prefix)).unwrap_or_else(|| image.path())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{DIGEST, image};
    use super::*;

    #[test]
    fn a_push_needs_a_tag_that_is_one() {
        let push = |tags: &[&str], digest| pushed("acme/web", "x", tags.iter().copied(), digest).unwrap();
        let digits = DIGEST.strip_prefix("sha256:").unwrap();
        for no_tag in ["", DIGEST, digits, &format!("sha256__{digits}"), "latest:", "a/b", "sha256:xxxx"] {
            let told = Event::ignored("docker.io/acme/web was pushed without a tag");
            assert_eq!(push(&[no_tag], Some(DIGEST)), told, "{no_tag}");
        }
        assert_eq!(push(&["2", "1", "2"], None), image("docker.io/acme/web", &["2", "1"], None));
        let masked = push(&["1"], Some("sha256:xxxxd5c8"));
        assert_eq!(masked, image("docker.io/acme/web", &["1"], None), "a digest that is none is absent");
    }

    #[test]
    fn what_names_no_repository_is_told_with_its_path() {
        let told = pushed("ghcr.io//web", "a.b[0].name", ["1"], None).unwrap_err();
        let Undecodable::UnknownShape(text) = told else { panic!() };
        assert!(text.starts_with("a.b[0].name: \"ghcr.io//web\" is not an image"), "{text}");
    }

    #[test]
    fn pushes_of_one_manifest_are_one_event() {
        let web = |tag: &str, digest| image("ghcr.io/acme/web", &[tag], digest);
        let ignored = || Event::ignored("a pull");
        let merged =
            merge([ignored(), web("1", Some(DIGEST)), web("2", None), ignored(), web("3", Some(DIGEST))]);
        let both = image("ghcr.io/acme/web", &["1", "3"], Some(DIGEST));
        assert_eq!(merged, [ignored(), both, web("2", None)]);
    }

    #[test]
    fn references_are_split_without_judgement() {
        let parts = split_reference;
        assert_eq!(parts("us.gcr.io/a/b:1"), ("us.gcr.io/a/b", Some("1"), None));
        assert_eq!(parts("registry:5000/a/b"), ("registry:5000/a/b", None, None));
        assert_eq!(parts("registry:5000/a:"), ("registry:5000/a", None, None));
        assert_eq!(parts("gcr.io/a@sha256:12"), ("gcr.io/a", None, Some("sha256:12")));
        assert_eq!(parts("gcr.io/a:1@sha256:12"), ("gcr.io/a", Some("1"), Some("sha256:12")));
    }

    #[test]
    fn media_types_of_images() {
        assert!(is_image_manifest(None) && is_image_manifest(Some("")));
        assert!(is_image_manifest(Some("application/vnd.oci.image.index.v1+json; charset=utf-8")));
        for other in
            ["application/octet-stream", "application/vnd.docker.distribution.manifest.v1+prettyjws", "x"]
        {
            assert!(!is_image_manifest(Some(other)), "{other}");
        }
    }

    #[test]
    fn hosts_of_urls() {
        assert_eq!(host_of_url("https://acme.jfrog.io/artifactory"), Some("acme.jfrog.io"));
        assert_eq!(host_of_url("http://user@registry:5000"), Some("registry:5000"));
        assert_eq!(host_of_url("acme.jfrog.io"), None);
        assert_eq!(host_of_url("https:///v2"), None);
    }
}
