//! Image references, repositories and patterns of them: one in each line.

use boathook::image::{Digest, Image, Repository};
use boathook::rule::ImagePattern;

use super::assert_printable;

pub(crate) fn run(data: &[u8]) {
    for text in String::from_utf8_lossy(data).lines().take(8) {
        reference(text);
        repository(text);
        pattern(text);
        assert!(Digest::parse(text).is_none_or(|digest| digest.as_str() == text));
    }
}

fn reference(text: &str) {
    match Image::parse(text) {
        Ok(image) => {
            assert_eq!(image.to_string(), text, "shown as it was spelt");
            assert_eq!(Image::parse(&image.to_string()).unwrap(), image);
            assert_eq!(Repository::parse(&image.spelling).unwrap(), image.repository);
        }
        Err(error) => assert_printable(&error.to_string()),
    }
}

fn repository(text: &str) {
    match Repository::parse(text) {
        Ok(repository) => {
            let name = repository.as_str();
            assert_eq!(format!("{}/{}", repository.host(), repository.path()), name);
            assert!(
                name.len() <= 255 && name.bytes().all(|b| b.is_ascii_graphic() && !b.is_ascii_uppercase())
            );
            assert_eq!(Repository::parse(name).unwrap(), repository, "normalised once and for all");
            let json = serde_json::to_string(&repository).unwrap();
            assert_eq!(serde_json::from_str::<Repository>(&json).unwrap(), repository);
            assert!(ImagePattern::parse(name).unwrap().matches(&repository));
        }
        Err(error) => assert_printable(&error.to_string()),
    }
}

fn pattern(text: &str) {
    match ImagePattern::parse(text) {
        Ok(pattern) => {
            assert_eq!(
                ImagePattern::parse(pattern.source()).unwrap(),
                pattern,
                "normalised once and for all"
            );
            if let Ok(repository) = Repository::parse(text) {
                assert!(pattern.matches(&repository));
            }
        }
        Err(why) => assert_printable(&why),
    }
}
