//! `/info`: the workloads that the configuration names, as they are now. Images, rollouts and holds; never a value
//! from an environment, never a Secret.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::StatusCode;
use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use crate::action::{Api, Workloads};
use crate::config::Config;
use crate::kubernetes::object::ContainerList;
use crate::kubernetes::rollout::{Standing, judge};
use crate::kubernetes::{Object, Workload};
use crate::server::App;
use crate::server::answer::Problem;
use crate::server::control::Held;

/// How many workloads are read; what more there are is listed by name.
const MOST: usize = 100;

/// How many are read at once: the workers go first.
const AT_ONCE: usize = 4;

/// How long all of them may take.
const TIME: Duration = Duration::from_secs(10);

/// For how long the same is told again.
const FRESH: Duration = Duration::from_secs(5);

/// What is told, and when it was read. Who asks meanwhile waits for who is reading.
#[derive(Debug, Default)]
pub(super) struct Info(Mutex<Option<(Instant, Arc<Told>)>>);

/// What is told.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Told {
    /// When the workloads were read.
    read: Timestamp,
    workloads: Vec<Row>,
    /// Those that are looked up when a step starts, and those whose names an event completes.
    looked_up: Vec<LookedUp>,
}

/// A workload that the configuration names.
#[derive(Debug, Serialize)]
struct Row {
    /// `default/deployment/web`
    workload: String,
    /// The endpoints whose rules name it.
    endpoints: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    images: Vec<Running>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rollout: Option<Rollout>,
    holds: Vec<Held>,
    /// Why it was not read.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Debug, Serialize)]
struct Running {
    container: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    init: bool,
    image: String,
}

#[derive(Debug, Serialize)]
struct Rollout {
    /// `complete`, `waiting` or `failed`.
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    paused: bool,
}

#[derive(Debug, Serialize)]
struct LookedUp {
    endpoint: String,
    rule: usize,
    action: &'static str,
    /// `every workload that runs the image in default`
    targets: String,
}

impl Info {
    /// What there is to tell, read anew if the last answer is too old. Who asks and hangs up does not begin another
    /// reading beside the one that is under way.
    pub(super) async fn told(self: &Arc<Self>, app: &Arc<App>) -> Result<Arc<Told>, Problem> {
        let (info, app) = (Arc::clone(self), Arc::clone(app));
        let telling = tokio::spawn(async move {
            let mut last = info.0.lock().await;
            if let Some((read, told)) = &*last
                && read.elapsed() < FRESH
            {
                return Arc::clone(told);
            }
            let told = Arc::new(tell(&app).await);
            *last = Some((Instant::now(), Arc::clone(&told)));
            told
        });
        telling.await.map_err(|error| {
            log::error!("a defect of boathook, please report it: {error}");
            Problem::Refused(StatusCode::INTERNAL_SERVER_ERROR, "the workloads could not be read".to_owned())
        })
    }
}

async fn tell(app: &App) -> Told {
    let (named, looked_up) = configured(&app.config());
    let wanted: Vec<_> = named.keys().take(MOST).cloned().collect();
    let mut objects = read(&app.engine.api(), wanted).await;
    let holds = app.engine.holds();
    let workloads = named.into_iter().enumerate().map(|(place, (workload, endpoints))| {
        let (object, error) = match objects.remove(&workload) {
            Some(Ok(object)) => (Some(object), None),
            Some(Err(why)) => (None, Some(why)),
            None if place < MOST => (None, Some(format!("the API did not answer within {TIME:?}"))),
            None => (None, Some(format!("only {MOST} workloads are read"))),
        };
        let held = holds.iter().map(|(_, hold)| hold).filter(|hold| hold.workload == workload);
        Row {
            workload: workload.full_name(),
            endpoints,
            images: object.as_ref().map(images).unwrap_or_default(),
            rollout: object.as_ref().map(|object| rollout(&workload, object)),
            holds: held.cloned().map(Held::from).collect(),
            error,
        }
    });
    let workloads = workloads.collect();
    Told { read: Timestamp::now(), workloads, looked_up }
}

/// The workloads that are named, each with its endpoints, and what is looked up.
fn configured(config: &Config) -> (BTreeMap<Workload, Vec<String>>, Vec<LookedUp>) {
    let mut named: BTreeMap<Workload, Vec<String>> = BTreeMap::new();
    let mut looked_up = Vec::new();
    for endpoint in &config.endpoints {
        for (rule, action) in
            endpoint.rules.iter().flat_map(|rule| rule.actions.iter().map(move |action| (rule, action)))
        {
            match action.workloads() {
                None => {}
                Some(Workloads::Named(workloads)) => {
                    for workload in workloads {
                        let endpoints = named.entry(workload).or_default();
                        if endpoints.last() != Some(&endpoint.name) {
                            endpoints.push(endpoint.name.clone());
                        }
                    }
                }
                Some(Workloads::LookedUp(targets)) => looked_up.push(LookedUp {
                    endpoint: endpoint.name.clone(),
                    rule: rule.number,
                    action: action.name(),
                    targets,
                }),
            }
        }
    }
    (named, looked_up)
}

/// Reads workloads, a few at a time; those that are missing from what is returned could not be read in time.
async fn read(api: &Arc<Api>, workloads: Vec<Workload>) -> BTreeMap<Workload, Result<Object, String>> {
    let mut read = BTreeMap::new();
    let mut reading = JoinSet::new();
    let mut left = workloads.into_iter();
    let all = async {
        loop {
            while reading.len() < AT_ONCE
                && let Some(workload) = left.next()
            {
                let api = Arc::clone(api);
                reading.spawn(async move {
                    let object = api.kubernetes.get(&workload).await;
                    (workload, object.map_err(|error| error.to_string()))
                });
            }
            match reading.join_next().await {
                Some(Ok((workload, object))) => drop(read.insert(workload, object)),
                Some(Err(error)) => log::error!("a defect of boathook, please report it: {error}"),
                None => break,
            }
        }
    };
    // What is still being read is given up.
    let _ = tokio::time::timeout(TIME, all).await;
    drop(reading);
    read
}

fn images(object: &Object) -> Vec<Running> {
    let image =
        |(list, _, container): (ContainerList, usize, &crate::kubernetes::object::Container)| Running {
            container: container.name.clone(),
            init: list == ContainerList::InitContainers,
            image: container.image.clone(),
        };
    object.containers().map(image).collect()
}

fn rollout(workload: &Workload, object: &Object) -> Rollout {
    let (state, reason) = match judge(workload.kind, object, object.metadata.generation) {
        Standing::Complete => ("complete", None),
        Standing::Waiting(why) => ("waiting", Some(why)),
        Standing::Failed(why) => ("failed", Some(why)),
    };
    Rollout { state, reason, paused: object.is_paused() }
}
