//! What the payloads of code hosts have in common: references, commits, clone URLs, events of no use.

use super::{Decoded, Identity, Verified};
use crate::event::GitRef;

/// Whether this is the id of no object: sixty-four or forty zeros stand for a reference that is not there.
pub fn is_zero(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|b| b == b'0')
}

/// A commit's id, if it is one: 7 to 64 hex digits that are not all zero.
pub fn commit(id: Option<&str>) -> Option<String> {
    let id = id?;
    let valid = (7..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_hexdigit()) && !is_zero(id);
    valid.then(|| id.to_owned())
}

/// Reads the full name of a reference that moved; `Err` is the reason for which nothing comes of it.
pub fn moved(full: &str, deleted: bool) -> Result<GitRef, String> {
    let named = GitRef::from_full(full).filter(|reference| !short_name(reference).is_empty());
    let named = named.ok_or_else(|| format!("{} is neither a branch nor a tag", shown(full)))?;
    if deleted {
        return Err(format!("{} was deleted", shown(full)));
    }
    Ok(named)
}

fn short_name(reference: &GitRef) -> &str {
    match reference {
        GitRef::Branch(name) | GitRef::Tag(name) => name,
    }
}

/// The clone URLs that are there, each once, in this order.
pub fn urls<const N: usize>(candidates: [Option<String>; N]) -> Vec<String> {
    let mut urls = Vec::with_capacity(N);
    for url in candidates.into_iter().flatten() {
        if !url.is_empty() && !urls.contains(&url) {
            urls.push(url);
        }
    }
    urls
}

/// The host, with its port, of an `https://` or `http://` URL.
pub fn host(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    (!host.is_empty()).then_some(host)
}

/// An event that is authentic and of no use.
pub fn unused(event: &str) -> Decoded {
    Decoded::ignored(format!("the event {} leads to nothing here", shown(event)))
}

/// What makes a delivery the same one for senders that sign the body and not the id in this header.
pub fn identity(delivery: &Verified<'_>, header: &str) -> Identity {
    sender_id(delivery, header).map_or(Identity::Body, Identity::IdOrBody)
}

/// A sender's id, if the header has one that is worth remembering: some text of at most 200 bytes.
pub fn sender_id(delivery: &Verified<'_>, header: &str) -> Option<String> {
    let id = delivery.header(header)?;
    (1..=200).contains(&id.len()).then(|| id.to_owned())
}

/// A word of the sender's as a reason or a message may carry it: printable and short.
pub fn shown(text: &str) -> String {
    text.escape_debug().take(120).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_are_no_object() {
        assert!(is_zero(&"0".repeat(40)) && is_zero(&"0".repeat(64)));
        assert!(!is_zero("") && !is_zero("0a"));
        assert_eq!(commit(Some(&"0".repeat(40))), None);
        assert_eq!(commit(Some("not a commit")), None);
        assert_eq!(commit(Some("fee1dcdb330d")).as_deref(), Some("fee1dcdb330d"));
    }

    #[test]
    fn only_branches_and_tags_move() {
        assert_eq!(moved("refs/heads/feature/x", false), Ok(GitRef::Branch("feature/x".into())));
        assert_eq!(moved("refs/tags/v1", true), Err("refs/tags/v1 was deleted".into()));
        assert_eq!(moved("refs/notes/x", false), Err("refs/notes/x is neither a branch nor a tag".into()));
        assert!(moved("refs/heads/", false).is_err());
    }

    #[test]
    fn hosts_keep_their_ports() {
        assert_eq!(host("https://gitea.example.com:3000/acme/web"), Some("gitea.example.com:3000"));
        assert_eq!(host("http://user:secret@localhost"), Some("localhost"));
        assert_eq!(host("git@example.com:acme/web"), None);
        assert_eq!(host("https:///x"), None);
    }

    #[test]
    fn urls_stand_once() {
        let urls = urls([None, Some("a".into()), Some(String::new()), Some("b".into()), Some("a".into())]);
        assert_eq!(urls, ["a", "b"]);
    }
}
