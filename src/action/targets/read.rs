//! How targets are written in the configuration.

use serde_yaml::Value;

use super::{Choice, Targets};
use crate::config::fields::Fields;
use crate::kubernetes::{Kind, Selector};
use crate::rule::Template;
use crate::rule::name::{kubernetes_name, namespace_name};

impl Targets {
    /// Reads `namespace` or `namespaces`, and one of `workloads`, `selector` and `runningImage`. `refuse` says
    /// why a kind cannot be a target of this action, if it cannot.
    pub(in crate::action) fn read(
        fields: &mut Fields<'_>,
        refuse: impl Fn(Kind) -> Option<&'static str>,
    ) -> Option<Self> {
        let namespaces = namespaces(fields);
        let choice = choice(fields, refuse);
        Some(Self { namespaces: namespaces?, choice: choice? })
    }
}

fn namespaces(fields: &mut Fields<'_>) -> Option<Vec<Template>> {
    let read = |text: &str| {
        let template = Template::parse(text)?;
        if template.is_literal() {
            namespace_name(text)?;
        }
        Ok(template)
    };
    let one = fields.string("namespace").and_then(|text| {
        read(&text).map_err(|why| fields.mistake("namespace", why)).ok().map(|template| vec![template])
    });
    let several = each(fields, "namespaces", read);
    match (fields.has("namespace"), fields.has("namespaces")) {
        (true, true) => fields.mistake("namespaces", "namespace is there too: use one of them"),
        (false, false) => fields.report().mistake(fields.path(), "namespace is missing"),
        _ => {}
    }
    one.or(several)
}

fn choice(fields: &mut Fields<'_>, refuse: impl Fn(Kind) -> Option<&'static str>) -> Option<Choice> {
    const WAYS: [&str; 3] = ["workloads", "selector", "runningImage"];
    // All are read, so that every mistake is told.
    let named = each(fields, "workloads", |text| workload(text, &refuse)).map(Choice::Named);
    let selected = fields.string("selector").and_then(|text| {
        Selector::parse(&text).map_err(|why| fields.mistake("selector", why)).ok().map(Choice::Selected)
    });
    let running = fields.flag("runningImage").and_then(|on| {
        if !on {
            fields.mistake("runningImage", "can only be true: leave it out to name workloads");
        }
        on.then_some(Choice::RunningImage)
    });
    match WAYS.iter().filter(|way| fields.has(way)).count() {
        0 => {
            let text =
                "no targets: give workloads: [deployment/web], selector: \"app=web\" or runningImage: true";
            fields.report().mistake(fields.path(), text);
        }
        1 => {}
        _ => {
            let text = "workloads, selector and runningImage exclude one another: give one of them";
            fields.report().mistake(fields.path(), text);
        }
    }
    named.or(selected).or(running)
}

/// Reads `TYPE/NAME`.
pub(in crate::action) fn workload(
    text: &str,
    refuse: impl Fn(Kind) -> Option<&'static str>,
) -> Result<(Kind, Template), String> {
    let (kind, name) = text
        .split_once('/')
        .ok_or_else(|| format!("\"{}\" must be TYPE/NAME, such as deployment/web", text.escape_debug()))?;
    let kind = Kind::parse(kind)?;
    if let Some(why) = refuse(kind) {
        return Err(format!("{}: {why}", text.escape_debug()));
    }
    let template = Template::parse(name)?;
    if template.is_literal() {
        kubernetes_name(name)?;
    }
    Ok((kind, template))
}

/// Reads every text of a field that holds one or a list, telling each mistake in its place.
pub(in crate::action) fn each<T>(
    fields: &mut Fields<'_>,
    field: &'static str,
    read: impl Fn(&str) -> Result<T, String>,
) -> Option<Vec<T>> {
    let path = fields.path().field(field);
    let node = fields.node(field)?;
    let in_list = matches!(node.value(), Value::Sequence(_));
    let item = |(i, text): (usize, &String)| {
        let told = |why| node.report().mistake(&if in_list { path.index(i) } else { path.clone() }, why);
        read(text).map_err(told).ok()
    };
    let items: Vec<_> = node.strings(&path)?.iter().enumerate().map(item).collect();
    items.into_iter().collect()
}
