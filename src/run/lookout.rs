//! Looks at the Kubernetes API in the background, from the start on: which rights are missing, once it answers, and
//! every minute whether others can reach it. Nothing waits for it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;

use crate::action::Api;
use crate::kubernetes::right::{Need, Place, Right, Rule, rules};
use crate::kubernetes::{Access, Client, exposure};
use crate::text::shorten;

/// The first pause while the API does not answer; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Where rights in no namespace are asked for: a review always is of one, and has them too.
const ANYWHERE: &str = "default";

/// Looks until it is dropped.
#[derive(Debug)]
pub struct Lookout {
    api: Arc<Api>,
    needed: Arc<[Right]>,
    /// Whether the API has said which of them there are, or that it will not.
    told: Arc<AtomicBool>,
    _task: JoinSet<()>,
}

impl Lookout {
    /// Looks at this API, for these rights. Needs a runtime.
    pub fn begin(api: Arc<Api>, needed: Vec<Right>) -> Self {
        Self::looking(api, needed.into(), Arc::default())
    }

    /// Looks at another client of the API from now on, and for other rights if they are others.
    pub fn renew(&mut self, api: Arc<Api>, access: &Access, needed: Vec<Right>) {
        let same = *self.needed == *needed && self.api.kubernetes.is_of(access);
        let told = if same { Arc::clone(&self.told) } else { Arc::default() };
        *self = Self::looking(api, needed.into(), told);
    }

    fn looking(api: Arc<Api>, needed: Arc<[Right]>, told: Arc<AtomicBool>) -> Self {
        let mut task = JoinSet::new();
        // Who changes nothing through the API does not ask it anything.
        if !needed.is_empty() {
            task.spawn(look(Arc::clone(&api), Arc::clone(&needed), Arc::clone(&told)));
        }
        Self { api, needed, told, _task: task }
    }
}

async fn look(api: Arc<Api>, needed: Arc<[Right]>, told: Arc<AtomicBool>) {
    let mut left = namespaces(&needed);
    let mut pause = FIRST_PAUSE;
    while !told.load(Ordering::Relaxed) {
        review(&api.kubernetes, &needed, &mut left).await;
        told.store(left.is_empty(), Ordering::Relaxed);
        api.kubernetes.look_around().await;
        if !left.is_empty() {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
    loop {
        api.kubernetes.look_around().await;
        tokio::time::sleep(exposure::INTERVAL).await;
    }
}

/// The namespaces in which rights are needed. Those that only an event names are not known yet.
fn namespaces(needed: &[Right]) -> BTreeSet<String> {
    let namespace = |right: &Right| match &right.place {
        Place::Namespace(namespace) => Some(namespace.clone()),
        Place::Cluster => Some(ANYWHERE.to_owned()),
        Place::Open(_) => None,
    };
    needed.iter().filter(|right| right.need.is_granted()).filter_map(namespace).collect()
}

/// Asks which rights there are in each namespace and logs what is missing. Those that are left have to be asked for
/// later.
async fn review(client: &Client, needed: &[Right], left: &mut BTreeSet<String>) {
    while let Some(namespace) = left.first().cloned() {
        match client.rules(&namespace).await {
            Ok(Some(rules)) => tell_missing(&namespace, needed, &rules),
            Ok(None) => log::info!("not all rights in namespace {namespace} are known to the API server"),
            Err(error) if error.retry().is_some() => {
                log::debug!("which rights there are is asked again later: {error}");
                return;
            }
            Err(error) => {
                log::info!("which rights there are is not known: {error}");
                // It would be refused for every other namespace too.
                left.clear();
            }
        }
        left.remove(&namespace);
    }
}

fn tell_missing(namespace: &str, needed: &[Right], allowed: &[Rule]) {
    let own = (Place::Namespace(namespace.to_owned()), format!("a Role of namespace {namespace}"));
    let in_none = (namespace == ANYWHERE).then(|| (Place::Cluster, "a ClusterRole".to_owned()));
    for (place, role) in [Some(own), in_none].into_iter().flatten() {
        for (need, without) in [(Need::Must, ""), (Need::Kind, " (such workloads are passed over)")] {
            let own = missing(needed, allowed).filter(|right| right.place == place && right.need == need);
            for (rule, purposes) in rules(own) {
                let purposes = shorten(&purposes.join("; "));
                let level = if need == Need::Must { log::Level::Warn } else { log::Level::Info };
                log::log!(level, "missing right{without}: {rule} in {role}, for {purposes}");
            }
        }
    }
}

/// The rights that no rule allows.
fn missing<'a>(needed: &'a [Right], allowed: &[Rule]) -> impl Iterator<Item = &'a Right> {
    needed.iter().filter(|right| !allowed.iter().any(|rule| rule.allows(right)))
}
