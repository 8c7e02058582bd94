//! Who sends deliveries, and what they say.

use crate::event::{DeployRequest, Event, GitPushed, GitRef, ImagePushed};
use crate::image::{Digest, Repository};
use crate::source::{Decoded, Identity};

/// What happened somewhere.
#[derive(Clone, Copy, Debug)]
pub(super) enum Happened {
    /// A version of web was pushed, in an order, with or without digest.
    Web(u8, bool),
    /// An image of api was pushed.
    Api(u8),
    /// An image was pushed that runs beside web and edge.
    Side,
    /// An image of page was pushed: a version or a tag that moves, with or without digest.
    Page(u8, bool),
    /// An image of tool was pushed to a registry whose deliveries look alike.
    Tool(u8),
    /// Somebody asks for a deployment of shop.
    Shop(u8, bool),
    /// The fleet's repository has a new commit.
    Fleet,
}

/// A request, whenever and however often it is sent.
#[derive(Clone, Debug)]
pub(super) struct Said {
    pub(super) endpoint: &'static str,
    pub(super) event: Event,
    pub(super) identity: Identity,
    pub(super) body: Vec<u8>,
}

impl Said {
    /// What is sent about it, for the first time; `number` is of this sending alone.
    pub(super) fn about(happened: Happened, number: usize) -> Self {
        let tag = |names: [&'static str; 4], which: u8| names[usize::from(which) % 4];
        let (endpoint, event) = match happened {
            Happened::Web(minor, digest) => {
                ("ghcr", image("ghcr.io/acme/web", &format!("1.{}.0", minor % 6), digest))
            }
            Happened::Api(which) => {
                ("ghcr", image("ghcr.io/acme/api", tag(["a", "b", "c", "latest"], which), false))
            }
            Happened::Side => ("ghcr", image("ghcr.io/acme/side", "latest", false)),
            Happened::Page(which, digest) => {
                ("ghcr", image("ghcr.io/acme/page", tag(["a", "b", "edge", "main"], which), digest))
            }
            Happened::Tool(which) => {
                ("quay", image("quay.io/acme/tool", tag(["latest", "latest", "a", "b"], which), false))
            }
            Happened::Shop(which, digest) => {
                ("ci", deploy(tag(["a", "b", "c", "latest"], which), digest, number))
            }
            Happened::Fleet => ("fleet", git()),
        };
        let id = format!("{endpoint}-{number}");
        let identity = match happened {
            Happened::Tool(_) => Identity::BodyWhilePending,
            Happened::Shop(..) => Identity::Id(id.clone()),
            _ => Identity::IdOrBody(id.clone()),
        };
        let once = if identity == Identity::BodyWhilePending { String::new() } else { id };
        let body = format!("{event:?} {once}").into_bytes();
        Self { endpoint, event, identity, body }
    }

    /// The same body under another id, as who only copies what was signed would send it, or a sender that makes up
    /// an id for each try.
    pub(super) fn replayed(&self, number: usize) -> Self {
        let identity = match &self.identity {
            Identity::IdOrBody(_) => Identity::IdOrBody(format!("replayed-{number}")),
            other => other.clone(),
        };
        Self { identity, ..self.clone() }
    }

    pub(super) fn decoded(&self) -> Decoded {
        Decoded { events: vec![self.event.clone()], identity: self.identity.clone(), actor: None }
    }

    /// What makes another delivery the same one, in the words of the contract.
    pub(super) fn marks(&self) -> Vec<String> {
        let body = format!("{} body {}", self.endpoint, String::from_utf8_lossy(&self.body));
        let id = |id: &str| format!("{} id {id}", self.endpoint);
        match &self.identity {
            Identity::Unknown => Vec::new(),
            Identity::Id(named) => vec![id(named)],
            Identity::IdOrBody(named) => vec![id(named), body],
            Identity::Body | Identity::BodyWhilePending => vec![body],
        }
    }

    /// Whether two pushes may look alike.
    pub(super) fn looks_alike(&self) -> bool {
        self.identity == Identity::BodyWhilePending
    }
}

fn image(repository: &str, tag: &str, digest: bool) -> Event {
    let repository = Repository::parse(repository).unwrap();
    Event::Image(ImagePushed { repository, tags: vec![tag.into()], digest: digest.then(|| digest_of(tag)) })
}

fn deploy(tag: &str, digest: bool, number: usize) -> Event {
    Event::Deploy(Box::new(DeployRequest {
        environment: "production".into(),
        image: Repository::parse("ghcr.io/acme/shop").unwrap(),
        tag: tag.into(),
        digest: digest.then(|| digest_of(tag)),
        namespace: "default".into(),
        workload: "shop".into(),
        id: number.to_string(),
        commit: String::new(),
        by: String::new(),
        strategy: "rolling".into(),
        auto_promotion: false,
        asked: std::collections::BTreeMap::new(),
    }))
}

fn git() -> Event {
    Event::Git(GitPushed {
        repository: "acme/fleet".into(),
        urls: vec!["git@example.com:acme/fleet.git".into()],
        reference: GitRef::Branch("main".into()),
        commit: None,
    })
}

fn digest_of(tag: &str) -> Digest {
    Digest::parse(&format!("sha256:{:0>64}", hex::encode(tag))).unwrap()
}
