//! The YAML file, read into a configuration that is valid by construction: a [`Config`] that exists can be
//! served. Reading collects every mistake, each with file, line, field and the way out.

mod admin;
mod credentials;
mod endpoint;
pub mod fields;
mod flux_recv;
pub(crate) mod keys;
mod locate;
mod narrow;
mod notify;
mod reach;
pub mod reload;
pub mod report;
mod rights;
mod rule;
pub mod state;
mod suggest;
mod unique;
pub(crate) mod units;
mod watched;

use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub use self::admin::{Admin, address};
pub use self::endpoint::Endpoint;
use self::fields::{Fields, Node};
pub(crate) use self::keys::trim_newline;
use self::locate::Place;
pub use self::notify::{NotifyTarget, SecretUrl};
use self::reach::Reach;
use self::report::{FieldPath, Findings, Report, Told, Watched};
pub use self::rule::Rule;
use self::unique::Unique;
use crate::action::Action;
use crate::flux::FluxAccess;
use crate::key::PathDigest;
use crate::kubernetes::access::Access;
use crate::notify::Targets;
use crate::server::{Limits, Proxies};

/// The largest configuration file that is read, in bytes.
const LARGEST_FILE: u64 = 16 * 1024 * 1024;

/// The tags that usually move from image to image.
const MUTABLE_TAGS: [&str; 6] = ["latest", "main", "master", "edge", "nightly", "dev"];

/// A configuration that can be served.
#[derive(Debug)]
pub struct Config {
    /// The directory of the journal.
    pub state: Option<PathBuf>,
    /// Where the admin listener is, if the file says it.
    pub admin: Option<Admin>,
    /// How the Kubernetes API is reached.
    pub kubernetes: Access,
    /// How Flux v1 is reached.
    pub flux: FluxAccess,
    /// How runs wait.
    pub waits: Waits,
    /// What clients may take.
    pub limits: Limits,
    /// Which proxies are believed, and where they say whom they speak for.
    pub proxies: Proxies,
    /// Tags that move: a version that is known by such a tag alone is held for one delivery only.
    pub mutable_tags: Vec<String>,
    /// In the order of the file.
    pub endpoints: Vec<Arc<Endpoint>>,
    /// Who is told how runs ended, in the order of the file.
    pub notify: Targets,
    routes: HashMap<PathDigest, Arc<Endpoint>>,
}

/// How long runs wait and are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waits {
    /// After the last event for the same rule and subject.
    pub settle: Duration,
    /// But never longer than this after the first.
    pub max_wait: Duration,
    /// How long a target that is down or refuses is tried.
    pub retry_for: Duration,
}

impl Default for Waits {
    fn default() -> Self {
        Self {
            settle: Duration::from_secs(10),
            max_wait: Duration::from_secs(60),
            retry_for: Duration::from_secs(3600),
        }
    }
}

/// Values from the command line or the environment that take the place of the file's.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// `--kube-api`
    pub kube_api: Option<String>,
    /// `--flux-api`
    pub flux_api: Option<String>,
    /// `--settle`
    pub settle: Option<Duration>,
}

/// What came of reading a configuration.
#[derive(Debug)]
pub struct Loaded {
    /// `None` if there were mistakes.
    pub config: Option<Config>,
    /// Mistakes, warnings and the files that were read.
    pub findings: Findings,
}

impl Config {
    /// Reads the file and the key files next to it.
    pub fn load(file: &Path, overrides: &Overrides) -> Loaded {
        let directory = file.parent().unwrap_or(Path::new(""));
        // Before the file is read, so that a change while it is read is seen as one.
        let watched = Watched::now(file.to_owned());
        let broken = |told: Told| Loaded {
            config: None,
            findings: Findings { mistakes: vec![told], warnings: Vec::new(), files: vec![watched.clone()] },
        };
        let text = match read_text(file) {
            Ok(text) => text,
            Err(why) => return broken(Told::whole(file, None, why)),
        };
        let value = match serde_yaml::from_str::<serde_yaml::Value>(&text) {
            Ok(value) => value,
            Err(error) => {
                let place = Place::of(&error);
                return broken(Told::whole(file, place, format!("this is not valid YAML: {error}")));
            }
        };
        let report = Report::new(directory);
        let config = Node::new(&value, &report)
            .fields(FieldPath::default())
            .map(|fields| Self::read(fields, overrides))
            .filter(|_| report.mistakes() == 0);
        let mut findings = report.finish(file, &text);
        findings.files.push(watched);
        Loaded { config, findings }
    }

    fn read(mut fields: Fields<'_>, overrides: &Overrides) -> Self {
        if fields.has("fluxRecvVersion") {
            return flux_recv::read(fields, overrides);
        }
        if !fields.names_field("version") {
            fields.report().mistake(fields.path(), "version is missing: write `version: 1` first");
        }
        if fields.number("version", 0, u64::MAX).is_some_and(|version| version != 1) {
            fields.mistake("version", "must be 1: there is no other yet");
        }
        let mut kubernetes = match fields.section("kubernetes") {
            Some(mut section) => {
                let access = Access::read(&mut section);
                section.finish();
                access
            }
            None => Access::default(),
        };
        let mut flux = match fields.section("flux") {
            Some(mut section) => {
                let access = FluxAccess::read(&mut section);
                section.finish();
                access
            }
            None => FluxAccess::default(),
        };
        override_apis(&mut kubernetes, &mut flux, overrides, fields.report());
        credentials::check(&kubernetes, &fields.path().field("kubernetes"), fields.report());
        let defaults = Waits::default();
        let settle = fields.duration("settle");
        let max_wait = fields.duration("maxWait").unwrap_or(defaults.max_wait);
        if settle.is_some_and(|settle| settle > max_wait) {
            fields.warn("settle", "is longer than maxWait, which therefore is what counts");
        }
        let waits = Waits {
            settle: overrides.settle.or(settle).unwrap_or(defaults.settle),
            max_wait,
            retry_for: fields.duration("retryFor").unwrap_or(defaults.retry_for),
        };
        let state = fields.string("state").map(PathBuf::from);
        if let Some(directory) = &state
            && !directory.is_absolute()
        {
            fields.mistake("state", "must be an absolute path: it is a directory on a volume");
        } else if let Some(Err(why)) = state.as_deref().map(state::socket) {
            fields.mistake("state", why);
        }
        let limits = Limits::read(&mut fields);
        let proxies = Proxies::read(&mut fields);
        let admin = fields.string("admin").map(|text| Admin::parse(&text));
        let admin = admin.and_then(|read| read.map_err(|why| fields.mistake("admin", why)).ok());
        let mut across = Across { bodies: limits.bodies, ..Across::default() };
        let endpoints = read_endpoints(&mut fields, &mut across, Endpoint::read);
        let rules = endpoints.iter().flat_map(|endpoint| &endpoint.rules);
        let holds = |action: &Action| action.rolls_back() || action.undoes_before();
        if state.is_none() && rules.flat_map(|rule| rule.actions.iter()).any(holds) {
            fields.warn(
                "state",
                "is missing, and onFailure: rollback holds bad versions: nobody could look at a hold or lift it",
            );
        }
        let notify = notify::read(&mut fields, &across.unique.names());
        let mutable_tags = fields.strings("mutableTags");
        fields.finish();
        let config = Self::assemble(state, kubernetes, flux, waits, endpoints);
        let mutable_tags = mutable_tags.unwrap_or(config.mutable_tags);
        Self { admin, limits, proxies, mutable_tags, notify, ..config }
    }

    fn assemble(
        state: Option<PathBuf>,
        kubernetes: Access,
        flux: FluxAccess,
        waits: Waits,
        endpoints: Vec<Endpoint>,
    ) -> Self {
        let endpoints: Vec<_> = endpoints.into_iter().map(Arc::new).collect();
        let paths =
            endpoints.iter().flat_map(|e| e.digests.iter().map(move |digest| (*digest, Arc::clone(e))));
        let routes = paths.collect();
        let mutable_tags = MUTABLE_TAGS.map(str::to_owned).to_vec();
        Self {
            state,
            admin: None,
            kubernetes,
            flux,
            waits,
            limits: Limits::default(),
            proxies: Proxies::default(),
            mutable_tags,
            endpoints,
            notify: Arc::default(),
            routes,
        }
    }

    /// The endpoint of a hook's path.
    pub fn route(&self, digest: PathDigest) -> Option<&Arc<Endpoint>> {
        self.routes.get(&digest)
    }

    /// The endpoint of this name.
    pub fn endpoint(&self, name: &str) -> Option<&Arc<Endpoint>> {
        self.endpoints.iter().find(|endpoint| endpoint.name == name)
    }
}

/// What is known over all endpoints while they are read.
#[derive(Debug, Default)]
struct Across {
    unique: Unique,
    reach: Reach,
    /// What all bodies together may take, in bytes.
    bodies: usize,
}

/// Reads the list of endpoints, each with `read`, which is given its place in the list.
fn read_endpoints(
    fields: &mut Fields<'_>,
    across: &mut Across,
    read: impl Fn(Fields<'_>, usize, &mut Across) -> Option<Endpoint>,
) -> Vec<Endpoint> {
    if !fields.names_field("endpoints") {
        fields.report().mistake(fields.path(), "endpoints is missing: nothing could arrive");
    }
    let list = fields.list("endpoints");
    if list.as_ref().is_some_and(Vec::is_empty) {
        fields.mistake("endpoints", "is empty: nothing could arrive");
    }
    let list = list.unwrap_or_default().into_iter().enumerate();
    list.filter_map(|(index, (path, node))| read(node.fields(path)?, index, across)).collect()
}

fn override_apis(kubernetes: &mut Access, flux: &mut FluxAccess, overrides: &Overrides, report: &Report) {
    let at = |flag: &str, why: String| {
        report.mistake(
            &FieldPath::default(),
            format!("{flag} on the command line or in the environment: {why}"),
        );
    };
    if let Some(api) = &overrides.kube_api {
        let set = kubernetes.set_api(api).and_then(|()| kubernetes.check().map_err(str::to_owned));
        set.unwrap_or_else(|why| at("--kube-api", why));
    }
    if let Some(api) = &overrides.flux_api {
        flux.set_api(api).unwrap_or_else(|why| at("--flux-api", why));
    }
}

fn read_text(file: &Path) -> Result<String, String> {
    let told = |error: std::io::Error| format!("cannot be read: {error}");
    let mut bytes = Vec::new();
    // Not by the size that the system tells: a pipe or a device has none.
    let opened = std::fs::File::open(file).map_err(told)?;
    opened.take(LARGEST_FILE + 1).read_to_end(&mut bytes).map_err(told)?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(format!("is larger than {LARGEST_FILE} bytes"));
    }
    String::from_utf8(bytes).map_err(|_| "cannot be read: it is not UTF-8 text".to_owned())
}
