//! How much a delivery may say. What is decoded stays in memory until its runs have ended, so what no sender
//! sends is not taken.

use super::Undecodable;
use crate::event::Event;
use crate::text;

/// The most events of one delivery, and the most tags of one event.
const MOST: usize = 256;

/// The longest name of a repository, branch or tag, or URL, in bytes.
const LONGEST: usize = 1024;

/// The longest reason for which nothing comes of a delivery, in characters: it may quote what the sender wrote.
const REASON: usize = 500;

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

/// Makes a reason fit for answers, logs and terminals, whatever it quotes.
pub(super) fn shorten(event: &mut Event) {
    if let Event::Ignored { reason } = event {
        *reason = text::printable(reason, REASON);
    }
}

/// The same for why a delivery cannot be decoded.
pub(super) fn printable(why: Undecodable) -> Undecodable {
    match why {
        Undecodable::Malformed(why) => Undecodable::Malformed(text::printable(&why, REASON)),
        Undecodable::UnknownShape(why) => Undecodable::UnknownShape(text::printable(&why, REASON)),
    }
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

    #[test]
    fn what_a_sender_wrote_neither_steers_a_terminal_nor_floods_it() {
        let odd = format!("tells of \u{1b}[31m\n\u{85}{}", "x".repeat(2000));
        let mut event = Event::ignored(&*odd);
        shorten(&mut event);
        let Event::Ignored { reason } = event else { panic!() };
        let undecodable = [Undecodable::Malformed(odd.clone()), Undecodable::UnknownShape(odd)];
        let [Undecodable::Malformed(malformed), Undecodable::UnknownShape(unknown)] =
            undecodable.map(printable)
        else {
            panic!()
        };
        for told in [reason, malformed, unknown] {
            assert!(told.starts_with(r"tells of \u{1b}[31m\n\u{85}x"), "{told}");
            assert!(told.chars().count() < REASON + 40, "{told}");
        }
    }
}
