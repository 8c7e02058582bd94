//! The names that Kubernetes accepts. What goes into a URL's path must pass here first: a valid name has no
//! `/`, no `..` and nothing that needs escaping.

use super::shown::shorten;

/// Accepts an object's name: an RFC 1123 subdomain of up to 253 bytes, as Kubernetes defines it
/// (kubernetes.io, "Object Names and IDs").
pub fn kubernetes_name(text: &str) -> Result<&str, String> {
    if text.len() <= 253 && text.split('.').all(is_label) {
        return Ok(text);
    }
    Err(format!(
        "\"{}\" is not a Kubernetes name: up to 253 lower-case letters, digits, - and ., beginning and ending \
         with a letter or digit",
        shorten(text)
    ))
}

/// Accepts a namespace's name: an RFC 1123 label of up to 63 bytes.
pub fn namespace_name(text: &str) -> Result<&str, String> {
    if text.len() <= 63 && is_label(text) {
        return Ok(text);
    }
    Err(format!(
        "\"{}\" is not a namespace's name: up to 63 lower-case letters, digits and -, beginning and ending with \
         a letter or digit",
        shorten(text)
    ))
}

/// Letters, digits and `-`, with no `-` at the ends.
fn is_label(text: &str) -> bool {
    let word = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = text.as_bytes();
    bytes.first().is_some_and(word)
        && bytes.last().is_some_and(word)
        && bytes.iter().all(|b| word(b) || *b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_subdomains_and_namespaces_are_labels() {
        let long = "a".repeat(253);
        for good in ["web", "0", "a-b.c-1", "a.b", &long] {
            assert_eq!(kubernetes_name(good), Ok(good));
        }
        assert_eq!(namespace_name("kube-system"), Ok("kube-system"));
        for bad in ["a.b", &"a".repeat(64)] {
            assert!(namespace_name(bad).is_err(), "{bad}");
        }
        for bad in [
            "",
            ".",
            "..",
            "a..b",
            "a/b",
            "../x",
            "a%2fb",
            "Web",
            "-a",
            "a-",
            ".a",
            "a.",
            "a_b",
            "ä",
            "a b",
            "a\n",
            "a?x=1",
            "a#",
            &"a".repeat(254),
        ] {
            assert!(kubernetes_name(bad).is_err() && namespace_name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn errors_stay_short_and_printable() {
        let error = kubernetes_name(&"\u{1b}[31m".repeat(1000)).unwrap_err();
        assert!(
            error.len() < 400 && error.starts_with(r#""\u{1b}[31m"#) && !error.contains('\u{1b}'),
            "{error}"
        );
    }
}
