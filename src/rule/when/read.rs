//! Reading `when` from the configuration. Every mistake is told, also what could never match.

use crate::config::fields::{Fields, suggest};
use crate::rule::glob::Glob;
use crate::rule::image_pattern::ImagePattern;
use crate::rule::policy::TagPolicy;

use super::When;
use super::kinds::Kinds;
use super::text::TextFilter;

impl When {
    /// Reads the fields of `when`. What has mistakes is left out of the filter, which must not be used then.
    pub fn read(mut fields: Fields<'_>) -> Self {
        let event = read_event(&mut fields);
        let images = read_images(&mut fields);
        let tag_path = fields.path().field("tag");
        let tag = fields.node("tag").and_then(|node| TagPolicy::read(node, &tag_path));
        let mut texts = Vec::new();
        for filter in TextFilter::ALL {
            if let Some(globs) = read_globs(&mut fields, filter) {
                texts.push((filter, globs));
            }
        }
        let auto_promotion = fields.flag("autoPromotion");
        let kinds = read_kinds(&fields, event);
        fields.finish();
        Self { kinds, images, tag, texts, auto_promotion }
    }
}

/// The kinds that `event` names; `None` without it or when it has a mistake.
fn read_event(fields: &mut Fields<'_>) -> Option<Kinds> {
    let mut event: Option<Kinds> = None;
    for word in fields.strings("event")? {
        let known = Kinds::WORDS.iter().find(|(known, _)| *known == word);
        if let Some((_, kind)) = known {
            event = Some(event.map_or(*kind, |kinds| kinds.or(*kind)));
        } else {
            let hint = suggest(&word, &Kinds::WORDS.map(|(word, _)| word));
            fields.mistake("event", format!("\"{}\" is no kind of event{hint}", word.escape_debug()));
        }
    }
    event
}

fn read_images(fields: &mut Fields<'_>) -> Vec<ImagePattern> {
    let mut images = Vec::new();
    for text in fields.strings("image").unwrap_or_default() {
        match ImagePattern::parse(&text) {
            Ok(pattern) => {
                if let Some(doubt) = pattern.doubt() {
                    fields.warn("image", doubt);
                }
                images.push(pattern);
            }
            Err(error) => fields.mistake("image", error),
        }
    }
    images
}

fn read_globs(fields: &mut Fields<'_>, filter: TextFilter) -> Option<Vec<Glob>> {
    let mut globs = Vec::new();
    for text in fields.strings(filter.name())? {
        match filter.glob(&text) {
            Ok(glob) => {
                if let Some(doubt) = filter.doubt(&glob) {
                    fields.warn(filter.name(), doubt);
                }
                globs.push(glob);
            }
            Err(error) => fields.mistake(filter.name(), error),
        }
    }
    Some(globs)
}

/// What `event` and the other filters leave together. Filters are judged by being there, not by what they
/// say, so that a mistake in one does not hide that two exclude each other.
fn read_kinds(fields: &Fields<'_>, event: Option<Kinds>) -> Kinds {
    let filters = TextFilter::ALL.map(|filter| (filter.name(), filter.kinds()));
    let others = [("image", Kinds::OF_IMAGES), ("tag", Kinds::OF_IMAGES), ("autoPromotion", Kinds::DEPLOY)];
    let mut kinds = event.unwrap_or(Kinds::ALL);
    for (name, own) in others.into_iter().chain(filters).filter(|(name, _)| fields.has(name)) {
        if !kinds.meets(own) {
            let hint = if name == "tag" { "; a Git tag is gitTag" } else { "" };
            let rest = format!("the rest of when wants {kinds} events{hint}");
            fields.mistake(name, format!("can never match: {own} events have it, and {rest}"));
            return kinds;
        }
        kinds = kinds.and(own);
    }
    if fields.has("branch") && fields.has("gitTag") {
        fields.mistake(
            "gitTag",
            "can never match beside branch, as one push moves one of them: write two rules",
        );
    }
    let lost = event.unwrap_or(kinds).without(kinds);
    if !lost.is_empty() {
        fields.warn(
            "event",
            format!("{lost} events never match: they have not all that the rest of when filters"),
        );
    }
    kinds
}
