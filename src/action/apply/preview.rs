//! What `explain` shows of an apply: each request, without what is in a Secret.

use serde_json::{Map, Value, json};

use super::plan::{self, Filled, Placed};
use super::{Apply, kinds};
use crate::action::context::{Context, Failure};
use crate::action::preview::{Outlook, Preview};
use crate::kubernetes::AnyObject;

/// What stands in the place of a value that is not shown.
const HIDDEN: &str = "(not shown)";

impl Apply {
    /// Every request, in the order in which they would be sent. Without a cluster the path is not known of a kind that
    /// is not the API server's own.
    pub(in crate::action) async fn preview(
        &self,
        outlook: &Outlook<'_>,
        context: &Context<'_>,
    ) -> Result<Vec<Preview>, Failure> {
        let filled = self.filled(context).await?;
        let bounds = self.bounds(context)?;
        let kinds = match outlook.live {
            Some(api) => kinds(api, &filled).await?,
            None => plan::taken_for_granted(&filled, &bounds),
        };
        let placed = plan::place(&filled, &kinds, &bounds).map_err(Failure::last)?;
        let preview = |placed: &Placed| {
            let object = filled.iter().find(|filled| is_of(filled, placed))?.object.clone();
            let mut request = self.request(placed, object, outlook.field_manager());
            hide_secret(&placed.object, &mut request.body);
            let is_known = outlook.live.is_some() || plan::is_certain(placed);
            Some(Preview::apply(outlook.base(), request, is_known))
        };
        Ok(placed.iter().filter_map(preview).collect())
    }
}

fn is_of(filled: &Filled, placed: &Placed) -> bool {
    let (identity, object) = (&filled.identity, &placed.object);
    let namespace = identity.namespace.as_deref().unwrap_or(&object.namespace);
    (&identity.group, &identity.kind, &identity.name) == (&object.group, &object.kind, &object.name)
        && (namespace == object.namespace)
        && filled.file == placed.file
}

/// Hides what is in a Secret, in its data and in the annotations that repeat it.
pub(in crate::action) fn hide_secret(object: &AnyObject, body: &mut Value) {
    if !object.is_secret() {
        return;
    }
    for place in ["/data", "/stringData", "/metadata/annotations"] {
        match body.pointer_mut(place) {
            Some(Value::Object(map)) => *map = hidden(map),
            Some(other) => *other = json!(HIDDEN),
            None => {}
        }
    }
    // The operations of a JSON patch.
    for operation in body.as_array_mut().into_iter().flatten() {
        if let Some(value) = operation.get_mut("value") {
            *value = json!(HIDDEN);
        }
    }
}

fn hidden(map: &Map<String, Value>) -> Map<String, Value> {
    map.keys().map(|key| (key.clone(), json!(HIDDEN))).collect()
}
