//! A cluster: what runs in it, and which versions do not come up.

use std::collections::{BTreeMap, BTreeSet};

use super::setup::{BAD, RUNNING};

/// All of it.
#[derive(Debug)]
pub(super) struct Cluster {
    workloads: BTreeMap<String, Live>,
    bad: BTreeSet<String>,
}

/// A workload as the API shows it.
#[derive(Clone, Debug)]
pub(super) struct Live {
    pub(super) image: String,
    pub(super) restarted_at: Option<String>,
    /// Its resource version.
    pub(super) version: u64,
}

impl Cluster {
    pub(super) fn new() -> Self {
        let live = |image: &str| Live { image: image.to_owned(), restarted_at: None, version: 1 };
        Self {
            workloads: RUNNING.iter().map(|(name, image)| ((*name).to_owned(), live(image))).collect(),
            bad: BAD.iter().map(|image| (*image).to_owned()).collect(),
        }
    }

    pub(super) fn get(&self, name: &str) -> &Live {
        &self.workloads[name]
    }

    /// Sets an image, if the object is still the one that was read.
    pub(super) fn set_image(&mut self, name: &str, to: &str, read: u64) -> bool {
        let live = self.workloads.get_mut(name).unwrap();
        if live.version != read {
            return false;
        }
        to.clone_into(&mut live.image);
        live.version += 1;
        true
    }

    /// Writes a time; the same one again starts nothing.
    pub(super) fn restart(&mut self, name: &str, at: &str) -> bool {
        let live = self.workloads.get_mut(name).unwrap();
        let starts = live.restarted_at.as_deref() != Some(at);
        live.restarted_at = Some(at.to_owned());
        live.version += u64::from(starts);
        starts
    }

    /// Something else of it changes, as a status does all the time.
    pub(super) fn stir(&mut self, name: &str) {
        self.workloads.get_mut(name).unwrap().version += 1;
    }

    /// Whether what a workload runs comes up.
    pub(super) fn comes_up(&self, name: &str) -> bool {
        let image = &self.get(name).image;
        // By its tag: what a digest names was pushed under it.
        !self.bad.contains(image.split('@').next().unwrap())
    }

    /// Another image is pushed under a tag: what did not come up does, or the other way round.
    pub(super) fn push_over(&mut self, which: usize) {
        let image = BAD[which % BAD.len()];
        if !self.bad.remove(image) {
            self.bad.insert(image.to_owned());
        }
    }
}
