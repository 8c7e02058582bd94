//! Which action an item of `do` is, by its name.

use super::Action;
use super::apply::Apply;
use super::check::Check;
use super::confirm::Confirm;
use super::flux_notify::FluxNotify;
use super::patch::Patch;
use super::reconcile::Reconcile;
use super::restart::Restart;
use super::set_image::SetImage;
use super::traffic::Traffic;
use crate::config::fields::{Fields, Node, suggest};
use crate::config::report::FieldPath;

/// The names of all actions.
const NAMES: [&str; 9] =
    ["restart", "setImage", "traffic", "fluxNotify", "reconcile", "apply", "patch", "check", "confirm"];

impl Action {
    /// Reads an item of `do`: a mapping of one action's name to its fields.
    pub fn read(node: Node<'_>, path: &FieldPath) -> Option<Self> {
        if let Some(text) = node.value().as_str() {
            let text = text.escape_debug();
            node.report().mistake(
                path,
                format!("is text, where an action and its fields are needed: `{text}: {{…}}`"),
            );
            return None;
        }
        let mut outer = node.fields(path.clone())?;
        let names = outer.names();
        let [name] = names.as_slice() else {
            let text = format!("must be one action and its fields; known: {}", NAMES.join(", "));
            outer.report().mistake(path, text);
            return None;
        };
        let action = match *name {
            "restart" => {
                Self::Restart(Restart::read(section(&mut outer, "restart", "namespace and workloads")?)?)
            }
            "setImage" => {
                Self::SetImage(SetImage::read(section(&mut outer, "setImage", "namespace and workloads")?)?)
            }
            "traffic" => Self::Traffic(
                Traffic::read(section(&mut outer, "traffic", "namespace, service and steps")?)?.into(),
            ),
            "fluxNotify" => {
                if let Some(fields) = outer.has("fluxNotify").then(|| outer.section("fluxNotify")) {
                    fields?.finish();
                }
                Self::FluxNotify(FluxNotify {})
            }
            "reconcile" => Self::Reconcile(Reconcile::read(section(
                &mut outer,
                "reconcile",
                "namespace, kind and name",
            )?)?),
            "apply" => Self::Apply(Apply::read(section(&mut outer, "apply", "manifests and namespaces")?)?),
            "patch" => {
                Self::Patch(Patch::read(section(&mut outer, "patch", "namespace, workload, type and body")?)?)
            }
            "check" => Self::Check(Check::read(section(&mut outer, "check", "url")?)?),
            "confirm" => {
                Self::Confirm(Confirm::read(section(&mut outer, "confirm", "for, or {} for their defaults")?))
            }
            other => {
                outer.mistake(other, format!("is not an action{}", suggest(other, &NAMES)));
                return None;
            }
        };
        Some(action)
    }
}

fn section<'a>(outer: &mut Fields<'a>, name: &'static str, needs: &str) -> Option<Fields<'a>> {
    if !outer.has(name) {
        outer.mistake(name, format!("needs its fields, such as {needs}"));
        return None;
    }
    outer.section(name)
}
