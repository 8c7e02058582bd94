//! How `traffic` is written in the configuration.

use std::time::Duration;

use super::Traffic;
use crate::action::rollout::{DEFAULT_WITHIN, OnFailure, Rollout};
use crate::action::set_image::SetImage;
use crate::action::targets::Targets;
use crate::config::fields::Fields;
use crate::image::Image;
use crate::probe::Probe;
use crate::rule::Template;

/// How long a step stays when nothing is said.
const EVERY: Duration = Duration::from_secs(60);

impl Traffic {
    pub(in crate::action) fn read(mut fields: Fields<'_>) -> Option<Self> {
        let targets = Targets::read_service(&mut fields);
        let image = image(&mut fields);
        let steps = steps(&mut fields);
        let every = fields.duration("every").unwrap_or(EVERY);
        let within = fields.duration("within").unwrap_or(DEFAULT_WITHIN);
        if within.is_zero() {
            fields.mistake("within", "leaves no time");
        }
        let check = fields.section("check").and_then(|mut section| {
            let check = Probe::read(&mut section);
            section.finish();
            check
        });
        let words = [("rollback", OnFailure::Rollback), ("keep", OnFailure::Keep)];
        let on_failure = fields.one_of("onFailure", &words).unwrap_or(OnFailure::Rollback);
        fields.finish();
        let rollout = Rollout { within: Some(within), on_failure };
        Some(Self { set: SetImage::of(targets?, image, rollout), steps: steps?, every, check })
    }
}

fn image(fields: &mut Fields<'_>) -> Option<Template> {
    let text = fields.string("image")?;
    let read = Template::parse(&text).and_then(|template| {
        if template.is_literal() {
            Image::parse(&text).map_err(|error| error.to_string())?;
        }
        Ok(template)
    });
    read.map_err(|why| fields.mistake("image", why)).ok()
}

/// Percentages that grow, up to everything.
fn steps(fields: &mut Fields<'_>) -> Option<Vec<u8>> {
    const FORM: &str =
        "must be a list of whole numbers from 1 to 100 that grow and end with 100: [10, 50, 100]";
    if !fields.names().contains(&"steps") {
        fields.report().mistake(fields.path(), "steps is missing: such as [10, 50, 100]");
    }
    let list = fields.node("steps")?.value().as_sequence().cloned().unwrap_or_default();
    let percent = |item: &serde_yaml::Value| {
        item.as_u64()
            .and_then(|number| u8::try_from(number).ok())
            .filter(|percent| (1..=100).contains(percent))
    };
    let steps: Option<Vec<_>> = list.iter().map(percent).collect();
    let steps = steps.filter(|steps| steps.is_sorted_by(|a, b| a < b) && steps.last() == Some(&100));
    if steps.is_none() {
        fields.mistake("steps", FORM);
    }
    steps
}
