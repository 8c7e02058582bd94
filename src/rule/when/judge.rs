//! Judging an event: does the rule want it, and why or why not.

use std::fmt;

use crate::event::{Event, GitPushed, GitRef};
use crate::image::Repository;
use crate::rule::glob::Glob;
use crate::rule::image_pattern::ImagePattern;
use crate::rule::shown::{list, shorten};

use super::kinds::Kinds;
use super::{When, any_of};

/// What a filter says about an event. Shown with `{}` it is one sentence: what matched, or the first filter
/// that said no. The sentence is made only when it is shown, so that judging many rules costs little.
#[derive(Clone, Copy, Debug)]
pub struct Verdict<'a> {
    when: &'a When,
    event: &'a Event,
    outcome: Result<Option<&'a str>, No>,
}

/// Which filter said no.
#[derive(Clone, Copy, Debug)]
enum No {
    Kind,
    Image,
    /// The index of the filter.
    Text(usize),
    AutoPromotion,
    Tag,
}

impl When {
    /// Judges an event. Allocates nothing, except inside regular expressions and versions.
    pub fn judge<'a>(&'a self, event: &'a Event) -> Verdict<'a> {
        Verdict { when: self, event, outcome: self.filter(event) }
    }

    /// The chosen tag, or who said no.
    fn filter<'a>(&self, event: &'a Event) -> Result<Option<&'a str>, No> {
        if !self.kinds.meets(Kinds::of(event)) {
            return Err(No::Kind);
        }
        let fits = self.images.is_empty()
            || image(event).is_some_and(|image| self.images.iter().any(|pattern| pattern.matches(image)));
        if !fits {
            return Err(No::Image);
        }
        for (index, (filter, globs)) in self.texts.iter().enumerate() {
            if !filter.text(event).is_some_and(|text| globs.iter().any(|glob| glob.matches(text))) {
                return Err(No::Text(index));
            }
        }
        if self.auto_promotion.is_some_and(|wanted| auto_promotion(event) != Some(wanted)) {
            return Err(No::AutoPromotion);
        }
        let tags = tags(event);
        match &self.tag {
            Some(policy) => policy.choose(tags).map(Some).ok_or(No::Tag),
            None => Ok(tags.last().map(String::as_str)),
        }
    }
}

/// The image that an event is about.
fn image(event: &Event) -> Option<&Repository> {
    match event {
        Event::Image(image) => Some(&image.repository),
        Event::Deploy(deploy) => Some(&deploy.image),
        Event::Git(_) | Event::Pipeline(_) | Event::Ping | Event::Ignored { .. } => None,
    }
}

/// The tags that an event offers; none for a request that pins a digest only.
fn tags(event: &Event) -> &[String] {
    match event {
        Event::Image(image) => &image.tags,
        Event::Deploy(deploy) if !deploy.tag.is_empty() => std::slice::from_ref(&deploy.tag),
        _ => &[],
    }
}

fn auto_promotion(event: &Event) -> Option<bool> {
    if let Event::Deploy(deploy) = event { Some(deploy.auto_promotion) } else { None }
}

impl<'a> Verdict<'a> {
    /// Whether the rule wants the event.
    pub fn matched(&self) -> bool {
        self.outcome.is_ok()
    }

    /// The tag that the rule takes from the event: the one that its tag policy chose, without a policy the
    /// last. `None` if the rule does not match or the event has no tag of an image.
    pub fn tag(&self) -> Option<&'a str> {
        self.outcome.ok().flatten()
    }

    /// The sentence.
    pub fn why(&self) -> String {
        self.to_string()
    }

    fn why_text(&self, f: &mut fmt::Formatter<'_>, index: usize) -> fmt::Result {
        let Some((filter, globs)) = self.when.texts.get(index) else { return Ok(()) };
        match (filter.text(self.event), self.event) {
            (Some(text), _) => {
                write!(f, "{} {} {}", filter.name(), shorten(text), differs(globs, Glob::is_literal))
            }
            (None, Event::Git(git) | Event::Pipeline(git)) => {
                write!(
                    f,
                    "this is {}, and the rule wants {} {}",
                    reference(git),
                    filter.name(),
                    any_of(globs)
                )
            }
            (None, event) => write!(f, "{} has no {}", with_article(event.kind()), filter.name()),
        }
    }
}

impl fmt::Display for Verdict<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (when, event) = (self.when, self.event);
        match (self.outcome, event) {
            (Ok(tag), _) => {
                describe(f, event, tag)?;
                if *when == When::default() {
                    return f.write_str(": the rule wants every event");
                }
                write!(f, " matches {when}")
            }
            (Err(No::Kind), Event::Ping) => f.write_str("a ping asks for nothing"),
            (Err(No::Kind), Event::Ignored { reason }) => write!(f, "ignored: {}", shorten(reason)),
            (Err(No::Kind), _) => {
                write!(f, "this is {}, and the rule is for {} events", with_article(event.kind()), when.kinds)
            }
            (Err(No::Image), _) => {
                let image = image(event).map_or("", Repository::as_str);
                write!(f, "image {image} {}", differs(&when.images, ImagePattern::is_literal))
            }
            (Err(No::Text(index)), _) => self.why_text(f, index),
            (Err(No::AutoPromotion), _) => {
                let asked = auto_promotion(event).is_some_and(|asked| asked);
                write!(f, "autoPromotion is {asked}, and the rule wants {}", !asked)
            }
            (Err(No::Tag), _) => match &when.tag {
                Some(policy) => f.write_str(&policy.mismatch(tags(event))),
                None => Ok(()),
            },
        }
    }
}

/// How a text differs from all of the patterns.
fn differs<T: fmt::Display>(patterns: &[T], is_literal: impl Fn(&T) -> bool) -> String {
    match patterns {
        [one] if is_literal(one) => format!("is not {one}"),
        [one] => format!("does not match {one}"),
        _ => format!("matches none of {}", list(patterns)),
    }
}

/// What an event is about, in a few words.
fn describe(f: &mut fmt::Formatter<'_>, event: &Event, tag: Option<&str>) -> fmt::Result {
    match event {
        Event::Image(image) => write!(f, "image {}:{}", image.repository, shorten(tag.unwrap_or_default())),
        Event::Git(git) => write!(f, "a push to {} of {}", reference(git), shorten(&git.repository)),
        Event::Pipeline(git) => write!(f, "a run on {} of {}", reference(git), shorten(&git.repository)),
        Event::Deploy(deploy) => {
            write!(f, "a request to deploy {}", deploy.image)?;
            if let Some(tag) = tag {
                write!(f, ":{}", shorten(tag))?;
            }
            write!(f, " to {} in {}", shorten(&deploy.workload), shorten(&deploy.environment))
        }
        Event::Ping | Event::Ignored { .. } => f.write_str(event.kind()),
    }
}

fn reference(git: &GitPushed) -> String {
    match &git.reference {
        GitRef::Branch(name) => format!("branch {}", shorten(name)),
        GitRef::Tag(name) => format!("tag {}", shorten(name)),
    }
}

fn with_article(kind: &str) -> String {
    format!("{} {kind} event", if kind.starts_with('i') { "an" } else { "a" })
}
