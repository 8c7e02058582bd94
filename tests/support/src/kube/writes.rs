//! Every write that had an effect, for each object: what crash tests compare with what was accepted.

use super::Double;
use super::kinds::Kind;
use super::objects::key_named;
use super::store::Key;
use super::world::World;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Instant;

/// A change of an object by a client, or by the test itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Write {
    pub at: Instant,
    /// The field manager; `test` for the test itself.
    pub manager: String,
    /// The object's generation after it.
    pub generation: u64,
    /// The images after it, in the order of the containers.
    pub images: Vec<String>,
    /// The annotation `kubectl.kubernetes.io/restartedAt` of the pod template.
    pub restarted_at: Option<String>,
    /// The annotation `kubernetes.io/change-cause`.
    pub change_cause: Option<String>,
}

/// The writes so far.
#[derive(Debug, Default)]
pub struct Writes {
    by_object: BTreeMap<Key, Vec<Write>>,
    /// The images that each had, one after the other.
    images: BTreeMap<Key, Vec<String>>,
    /// How many came from clients.
    clients: usize,
}

impl Writes {
    /// Notes that an object is now this.
    pub fn note(&mut self, kind: &Kind, key: &Key, object: &Value, manager: &str) {
        if kind.kind == "Event" {
            return;
        }
        let pod = kind.template().unwrap_or("/spec/template");
        let template = object.pointer(pod).unwrap_or(&Value::Null);
        let containers = template["spec"]["containers"].as_array().into_iter().flatten();
        let images = containers.filter_map(|container| container["image"].as_str());
        let images: Vec<String> = images.map(str::to_owned).collect();
        let (history, joined) = (self.images.entry(key.clone()).or_default(), images.join(", "));
        if history.last() != Some(&joined) {
            history.push(joined);
        }
        let text = |value: &Value| value.as_str().map(str::to_owned);
        self.clients += usize::from(manager != "test");
        self.by_object.entry(key.clone()).or_default().push(Write {
            at: Instant::now(),
            manager: manager.to_owned(),
            generation: object["metadata"]["generation"].as_u64().unwrap_or(0),
            images,
            restarted_at: text(&template["metadata"]["annotations"]["kubectl.kubernetes.io/restartedAt"]),
            change_cause: text(&object["metadata"]["annotations"]["kubernetes.io/change-cause"]),
        });
    }
}

impl Double {
    /// Every write of an object that had an effect, in order, its creation first. One whose answer was lost is among
    /// them; controllers' are not.
    pub fn writes(&self, resource: &str, namespace: &str, name: &str) -> Vec<Write> {
        let world = self.world();
        let key = key_named(&world, resource, namespace, name);
        world.writes.by_object.get(&key).cloned().unwrap_or_default()
    }

    /// How many writes clients made that had an effect, besides events.
    pub fn count_writes(&self) -> usize {
        self.world().writes.clients
    }

    /// The images that a workload had, one after the other. Those of several containers are joined by a comma.
    pub fn history(&self, resource: &str, namespace: &str, name: &str) -> Vec<String> {
        let world = self.world();
        images(&world, &key_named(&world, resource, namespace, name)).to_vec()
    }

    /// Waits until the images that a workload had fulfil this, and returns them.
    pub fn wait_for_history(
        &self,
        resource: &str,
        namespace: &str,
        name: &str,
        condition: impl Fn(&[String]) -> bool,
    ) -> Vec<String> {
        let key = key_named(&self.world(), resource, namespace, name);
        self.wait(|world| condition(images(world, &key)));
        self.history(resource, namespace, name)
    }
}

fn images<'a>(world: &'a World, key: &Key) -> &'a [String] {
    world.writes.images.get(key).map_or(&[], Vec::as_slice)
}
