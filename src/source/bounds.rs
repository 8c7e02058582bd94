//! How much a delivery may say. What is decoded stays in memory until its runs have ended, so what no sender
//! sends is not taken.

use super::Undecodable;
use crate::event::Event;

/// The most events of one delivery, and the most tags of one event.
const MOST: usize = 256;

/// The longest name of a repository, branch or tag, or URL, in bytes.
const LONGEST: usize = 1024;

/// Refuses too much.
pub(super) fn check(events: &[Event]) -> Result<(), Undecodable> {
    let shape = |text: String| Err(Undecodable::UnknownShape(text));
    if events.len() > MOST {
        return shape(format!("more than {MOST} events"));
    }
    for event in events {
        match event {
            Event::Image(image) if image.tags.len() > MOST => return shape(format!("more than {MOST} tags")),
            Event::Git(git) | Event::Pipeline(git) => {
                let urls = git.urls.iter().map(String::len).max().unwrap_or(0);
                if git.repository.len().max(git.reference.full().len()).max(urls) > LONGEST {
                    return shape(format!("a name of more than {LONGEST} bytes"));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{GitPushed, GitRef, ImagePushed};
    use crate::image::Repository;

    #[test]
    fn what_no_sender_sends_is_not_taken() {
        let image = |tags: usize| {
            let tags = (0..tags).map(|i| i.to_string()).collect();
            Event::Image(ImagePushed { repository: Repository::parse("web").unwrap(), tags, digest: None })
        };
        let git = |length: usize| {
            let reference = GitRef::Branch("b".repeat(length));
            Event::Git(GitPushed { repository: "acme/web".into(), urls: vec![], reference, commit: None })
        };
        assert!(check(&[image(MOST), git(900)]).is_ok());
        assert!(check(&[image(MOST + 1)]).is_err());
        assert!(check(&[git(LONGEST)]).is_err());
        assert!(check(&vec![Event::Ping; MOST + 1]).is_err());
    }
}
