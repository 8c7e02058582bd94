//! `boathook rbac`: the Roles and bindings that a configuration needs, for `kubectl apply -f -`.

mod role;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use argh::FromArgs;

use self::role::{Account, manifest};
use super::{Exit, block_on, check, complain, print};
use crate::config::fields::suggest;
use crate::config::{Config, Overrides};
use crate::kubernetes::Client;
use crate::kubernetes::discovery::Kinds;
use crate::kubernetes::right::{Need, Place, Right};
use crate::rule::name::{kubernetes_name, namespace_name};

/// Whose rights they are when nothing else is said, as in kustomization/base.
const ACCOUNT: &str = "boathook/boathook";

/// Print the Roles and bindings that a configuration needs: nothing less, nothing more.
#[derive(FromArgs)]
#[argh(
    subcommand,
    name = "rbac",
    usage = "FILE [--with reasons,events,rollback] [--service-account NAMESPACE/NAME]",
    example = "{command_name} config.yaml --with reasons,events | kubectl apply -f -",
    note = "Some rights are only of use, and not printed without --with:\n  reasons    list pods and ReplicaSets: why a rollout failed\n  events     create Events on the workloads that were changed\n  rollback   delete the pod of a StatefulSet that blocks the way back"
)]
pub(super) struct Rbac {
    /// the configuration file
    #[argh(positional)]
    file: PathBuf,
    /// what else to grant: reasons, events, rollback, with commas between them
    #[argh(option)]
    with: Option<String>,
    /// whose rights they are: NAMESPACE/NAME (default boathook/boathook)
    #[argh(option)]
    service_account: Option<String>,
    /// ask the cluster what the kinds of `apply` and `patch` are called there, which changes nothing
    #[argh(switch)]
    live: bool,
    /// the Kubernetes API for --live, in the place of kubernetes.api
    #[argh(option)]
    kube_api: Option<String>,
}

impl Rbac {
    pub(super) fn run(self) -> Exit {
        let asked = self
            .with
            .as_deref()
            .map_or(Ok(BTreeSet::new()), extras)
            .and_then(|with| Ok((with, account(self.service_account.as_deref().unwrap_or(ACCOUNT))?)));
        let (with, account) = match asked {
            Ok(asked) => asked,
            Err(why) => {
                complain(&why);
                return Exit::Usage;
            }
        };
        let overrides = Overrides { kube_api: self.kube_api.clone(), ..Overrides::default() };
        let loaded = Config::load(&self.file, &overrides);
        let Some(config) = &loaded.config else {
            check::report(&loaded);
            return Exit::Usage;
        };
        let kinds = if self.live { block_on(ask(config)) } else { Ok(Kinds::new()) };
        let kinds = match kinds {
            Ok(kinds) => kinds,
            Err(why) => {
                complain(&why);
                return Exit::Failed;
            }
        };
        let granted = |right: &Right| right.need.is_granted() || with.contains(&right.need);
        let rights: Vec<_> = config.rights(&kinds).into_iter().filter(granted).collect();
        print(&manifests(&self.file, &rights, &account));
        Exit::Done
    }
}

/// What the cluster serves of the kinds that the configuration has.
async fn ask(config: &Config) -> Result<Kinds, String> {
    Client::new(&config.kubernetes)?.kinds(config.kinds()).await.map_err(|error| error.to_string())
}

/// The documents, one Role and binding for each place.
fn manifests(file: &Path, rights: &[Right], account: &Account) -> String {
    let file = file.file_name().unwrap_or_default().to_string_lossy();
    let file = file.escape_debug();
    let places: BTreeSet<&Place> = rights.iter().map(|right| &right.place).collect();
    if places.is_empty() {
        return format!("# {file} needs no rights: nothing of it is done through the Kubernetes API.\n");
    }
    let head = format!(
        "# What boathook may do: exactly what {file} needs. `boathook rbac {file}` prints it again when that changes.\n"
    );
    let documents =
        places.into_iter().map(|place| manifest(place, rights.iter().filter(|r| r.place == *place), account));
    head + &documents.collect::<Vec<_>>().join("---\n")
}

/// Reads `reasons,events,rollback`.
fn extras(text: &str) -> Result<BTreeSet<Need>, String> {
    let extra = |word: &str| {
        let known = Need::WORDS.iter().find(|(known, _)| *known == word);
        known.map(|(_, need)| *need).ok_or_else(|| {
            let hint = suggest(word, &Need::WORDS.map(|(word, _)| word));
            format!("--with: \"{}\" is nothing that could be granted{hint}", word.escape_debug())
        })
    };
    text.split(',').map(str::trim).map(extra).collect()
}

fn account(text: &str) -> Result<Account, String> {
    let read = || {
        let (namespace, name) = text.split_once('/').ok_or("there is no /")?;
        Ok::<_, String>(Account {
            namespace: namespace_name(namespace)?.to_owned(),
            name: kubernetes_name(name)?.to_owned(),
        })
    };
    read().map_err(|why| {
        let text = text.escape_debug();
        format!("--service-account {text}: must be NAMESPACE/NAME, such as {ACCOUNT}: {why}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read() {
        let all = [Need::Reasons, Need::Events, Need::Rollback];
        assert_eq!(extras("reasons, events,rollback").unwrap(), BTreeSet::from(all));
        let error = extras("reason").unwrap_err();
        assert!(error.ends_with("did you mean reasons?"), "{error}");
        assert!(account("ops/relay").is_ok());
        for bad in ["", "relay", "Ops/relay", "ops/", "ops/a/b"] {
            assert!(account(bad).is_err(), "{bad}");
        }
    }
}
