//! The double's objects, as a test puts them there and looks at them.

use super::{Double, Kind, controller, store, world::World};
use serde_json::Value;

impl Double {
    /// Puts an object there, new or in place of the one of that name. Defaults, uid, resourceVersion and generation
    /// are filled in as the API server would.
    pub fn apply(&self, object: Value) -> Value {
        self.change(|world| {
            let kind = world.kind_of(&object).unwrap_or_else(|| {
                panic!("the double does not serve {} {}", object["apiVersion"], object["kind"])
            });
            let object = world.store.put(&kind, object);
            let key = store::key(&kind, &object);
            world.writes.note(&kind, &key, &object, "test");
            controller::adopt(world, &key);
            object
        })
    }

    /// The object as it is now; fails the test when there is none. The resource may be given as plural, short name
    /// or plural.group (`deployments`, `ksvc`, `services.serving.knative.dev`).
    pub fn object(&self, resource: &str, namespace: &str, name: &str) -> Value {
        self.find(resource, namespace, name).unwrap_or_else(|| panic!("no {resource} {namespace}/{name}"))
    }

    /// The object as it is now, if it is there.
    pub fn find(&self, resource: &str, namespace: &str, name: &str) -> Option<Value> {
        let world = self.world();
        let key = key_named(&world, resource, namespace, name);
        world.store.get(&key).map(|stored| stored.object.clone())
    }

    /// The names of those who wrote something into the object (`fieldManager`, or the User-Agent's first word;
    /// `test` for the test itself).
    pub fn field_managers(&self, resource: &str, namespace: &str, name: &str) -> Vec<String> {
        let world = self.world();
        let key = key_named(&world, resource, namespace, name);
        world.store.get(&key).map(|stored| stored.owners.names()).unwrap_or_default()
    }

    /// Removes an object.
    pub fn remove(&self, resource: &str, namespace: &str, name: &str) {
        self.change(|world| {
            let key = key_named(world, resource, namespace, name);
            assert!(world.store.get(&key).is_some(), "no {resource} {namespace}/{name}");
            controller::deleted(world, &key);
        });
    }

    /// Changes an object's status as a controller does.
    pub fn set_status(&self, resource: &str, namespace: &str, name: &str, status: Value) {
        self.change(|world| {
            let key = key_named(world, resource, namespace, name);
            world.store.touch(&key, |object| object["status"] = status);
        });
    }

    /// Serves one more kind.
    pub fn install(&self, kind: Kind) {
        self.change(|world| world.kinds.push(kind));
    }

    /// The CRDs of this group are not installed: its paths are 404.
    pub fn uninstall(&self, group: &str) {
        self.change(|world| world.kinds.retain(|kind| kind.group != group));
    }
}

/// The key of an object that a test names.
pub fn key_named(world: &World, resource: &str, namespace: &str, name: &str) -> store::Key {
    let kind = world.kind_named(resource).unwrap_or_else(|| panic!("the double does not serve {resource}"));
    let namespace = if kind.namespaced { namespace } else { "" };
    (kind.group, kind.plural, namespace.to_owned(), name.to_owned())
}
