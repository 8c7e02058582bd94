//! What is pushed beside an image and is none: signatures, attestations and bills of materials. Cosign tags them
//! `sha256-<64 hex>.sig` (`.att`, `.sbom`), and the OCI distribution specification's referrers tag schema leaves
//! the suffix out. They come right after the image, so whoever took them for one would deploy a signature.

use crate::event::Event;

/// Takes such tags out of an event; one that has no other is ignored.
pub(super) fn pass_over(event: &mut Event) {
    let Event::Image(image) = event else { return };
    image.tags.retain(|tag| !is_attachment(tag));
    if image.tags.is_empty() {
        let text = format!("{}: a signature or attestation was pushed, not an image", image.repository);
        *event = Event::ignored(text);
    }
}

fn is_attachment(tag: &str) -> bool {
    let Some((digits, rest)) = tag.strip_prefix("sha256-").and_then(|tag| tag.split_at_checked(64)) else {
        return false;
    };
    let suffix = rest.strip_prefix('.').is_some_and(|suffix| suffix.bytes().all(|b| b.is_ascii_lowercase()));
    digits.bytes().all(|b| b.is_ascii_hexdigit()) && (rest.is_empty() || suffix)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::ImagePushed;
    use crate::image::Repository;

    fn passed(tags: &[&str]) -> Event {
        let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
        let repository = Repository::parse("ghcr.io/acme/web").unwrap();
        let mut event = Event::Image(ImagePushed { repository, tags, digest: None });
        pass_over(&mut event);
        event
    }

    #[test]
    fn a_signature_is_not_an_image() {
        let digits = "ab".repeat(32);
        for suffix in ["", ".sig", ".att", ".sbom"] {
            let tag = format!("sha256-{digits}{suffix}");
            assert!(matches!(passed(&[&tag]), Event::Ignored { .. }), "{tag}");
            let Event::Image(image) = passed(&["1.2.3", &tag]) else { panic!("{tag}") };
            assert_eq!(image.tags, ["1.2.3"]);
        }
        for image in ["latest", "sha256-abc", &format!("sha256-{digits}-amd64"), &format!("sha-{digits}")] {
            assert!(matches!(passed(&[image]), Event::Image(_)), "{image}");
        }
    }
}
