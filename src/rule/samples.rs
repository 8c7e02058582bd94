//! Events for the tests of rules.

use crate::event::{DeployRequest, Event, GitPushed, GitRef, ImagePushed};
use crate::image::Repository;

pub(super) fn image(repository: &str, tags: &[&str]) -> Event {
    let tags = tags.iter().map(ToString::to_string).collect();
    Event::Image(ImagePushed { repository: Repository::parse(repository).unwrap(), tags, digest: None })
}

fn pushed(repository: &str, reference: &str) -> GitPushed {
    let reference = GitRef::from_full(reference).unwrap();
    GitPushed { repository: repository.into(), urls: Vec::new(), reference, commit: None }
}

pub(super) fn git(repository: &str, reference: &str) -> Event {
    Event::Git(pushed(repository, reference))
}

pub(super) fn pipeline(repository: &str, reference: &str) -> Event {
    Event::Pipeline(pushed(repository, reference))
}

/// A request for workload `web` in namespace `prod`, environment `production`; rolling, no promotion.
pub(super) fn deploy(image: &str, tag: &str) -> Event {
    Event::Deploy(Box::new(DeployRequest {
        environment: "production".into(),
        image: Repository::parse(image).unwrap(),
        tag: tag.into(),
        digest: None,
        namespace: "prod".into(),
        workload: "web".into(),
        id: "1".into(),
        commit: "abc".into(),
        by: "ci".into(),
        strategy: "rolling".into(),
        auto_promotion: false,
        asked: std::collections::BTreeMap::new(),
    }))
}
