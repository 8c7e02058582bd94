//! What the double's controllers and kubelets do, as a test wants it.

use super::controller::clock::Clock;
use super::objects::key_named;
use super::store::Key;
use super::world::World;
use super::{Double, How, Pace, controller};
use std::time::Duration;

impl Double {
    /// After a change of their templates workloads roll out at this pace. Where a test puts a workload whose status
    /// is up to date, it counts as rolled out.
    pub fn auto_rollout(&self, pace: Pace) {
        self.change(|world| {
            world.rollouts.pace = pace;
            controller::adopt_all(world);
        });
        self.start_clock();
    }

    /// New pods with this image never become ready. The image is compared as the container spells it.
    pub fn break_image(&self, image: &str, how: How) {
        self.change(|world| {
            world.rollouts.images.break_one(image, how);
            controller::all_changed(world);
        });
    }

    /// There are controllers and no nodes: pods are made, and become ready when a client says so in their status.
    pub fn no_nodes(&self) {
        self.change(|world| {
            world.rollouts.images.break_all(How::Unschedulable);
            controller::all_changed(world);
        });
        self.progress_deadline(Duration::from_secs(3600));
    }

    /// Pods with this image become ready again, those too that are there.
    pub fn mend_image(&self, image: &str) {
        self.change(|world| {
            world.rollouts.images.mend(image);
            controller::all_changed(world);
        });
    }

    /// A Deployment that has not moved for so long has run out of time, whatever its `progressDeadlineSeconds` say:
    /// by default as soon as nothing can move any more.
    pub fn progress_deadline(&self, deadline: Duration) {
        self.change(|world| {
            world.rollouts.deadline = deadline;
            controller::all_changed(world);
        });
        self.start_clock();
    }

    /// Whether the `ReplicaSet` controller is done before the Deployment controller looks again. Real ones race, and
    /// either was recorded.
    pub fn quick_replica_sets(&self, quick: bool) {
        self.change(|world| world.rollouts.quick_replica_sets = quick);
    }

    /// Waits until no workload can move before somebody changes something or a deadline passes. Not with
    /// [`Pace::PerRead`], where only reads let them move.
    pub fn wait_for_rest(&self) {
        self.wait(|world| world.rollouts.rests());
    }

    /// What `kubectl argo rollouts promote` does to a Rollout that is paused at a step.
    pub fn promote(&self, namespace: &str, name: &str) {
        self.with_rollout(namespace, name, controller::promote);
    }

    /// What `kubectl argo rollouts abort` does.
    pub fn abort(&self, namespace: &str, name: &str) {
        self.with_rollout(namespace, name, controller::abort);
    }

    fn with_rollout(&self, namespace: &str, name: &str, act: fn(&mut World, &Key)) {
        self.change(|world| {
            let key = key_named(world, "rollouts", namespace, name);
            act(world, &key);
            let object = world.store.get(&key).map(|stored| stored.object.clone());
            controller::changed(world, &key, &object.unwrap());
        });
    }

    fn start_clock(&self) {
        self.clock.get_or_init(|| Clock::start(&self.shared));
    }
}
