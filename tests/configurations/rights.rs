//! What `boathook rbac` prints for a ready configuration is what the relay needs when it is driven: every request is
//! allowed, and everything that is allowed is used.

use std::collections::BTreeSet;
use std::path::Path;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::load::yaml_files;
use super::{BINARY, Stage, notify, ready, secrets};
use support::command::Bench;
use support::kube::route::Target;
use support::kube::{self, How, Recorded, Rule};
use support::objects;
use support::receiver::Receiver;
use support::site::Site;
use support::stage::workload;
use support::temp::TempDir;

/// What drives a configuration through everything that it does.
#[derive(Default)]
struct Scene {
    config: &'static str,
    objects: Vec<Value>,
    /// Deliveries that end well: endpoint and the sample's arguments, or a body of its own.
    good: Vec<(&'static str, String)>,
    /// An image that is broken then.
    broken: &'static str,
    /// Deliveries after that.
    bad: Vec<(&'static str, String)>,
}

fn image(image: &str, tag: &str) -> String {
    format!("--sample=image --image={image} --tag={tag}")
}

fn object(api_version: &str, kind: &str, name: &str) -> Value {
    json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": "flux-system"}, "spec": {}})
}

/// Every kind of workload in both namespaces, and Deployments of an image that will not come up.
fn organization() -> Vec<Value> {
    let kinds = ["Deployment", "StatefulSet", "DaemonSet", "CronJob", "ksvc", "Rollout"];
    let all = ["default", "shop"].into_iter().flat_map(|namespace| {
        let of_kind = |kind: &str| workload(kind, namespace, "web", "ghcr.io/acme/web:1.0.0");
        let bad = workload("Deployment", namespace, "bad", "ghcr.io/acme/bad:1.0.0");
        kinds.map(of_kind).into_iter().chain([bad])
    });
    all.collect()
}

/// What requests call them, and the namespace and the service of each.
fn environments() -> [(&'static str, &'static str); 3] {
    [("development", "game-2048-dev"), ("staging", "game-2048-staging"), ("production", "game-2048-prod")]
}

fn request((environment, name): (&str, &str), tag: &str) -> String {
    json!({
        "environment": environment, "image": format!("ghcr.io/owner/repo:{tag}"), "namespace": name,
        "service_name": name, "deployment_id": format!("{name}-{tag}"), "timestamp": Timestamp::now().to_string(),
    })
    .to_string()
}

/// A configuration with what a test has to change in it: nothing of this needs a right.
fn changed(name: &str, receiver: &Receiver, site: &Site, state: &TempDir) -> String {
    let config = match name {
        "notify.yaml" => return notify::notify(receiver, &state.path().join("state")),
        "knative-blue-green.yaml" => ready(name),
        _ => return ready(name),
    };
    // A person's word, and where it is checked from outside.
    let config = config.replace("    - confirm: {for: 24h}\n", "").replace("state: /var/lib/boathook\n", "");
    ["dev.", "staging.", ""].iter().fold(config, |config, host| {
        let from = format!("{{url: \"https://{host}game-2048.example.com/\"");
        assert!(config.contains(&from), "{from}");
        config.replace(&from, &format!("{{allowLocal: true, url: \"{}\"", site.url("/")))
    })
}

fn scenes() -> Vec<Scene> {
    let gitlab = || {
        vec![
            objects::deployment("default", "web", "registry.gitlab.com/acme/web:latest"),
            objects::stateful_set("default", "queue", "registry.gitlab.com/acme/queue:latest"),
        ]
    };
    let deploy = |tag: &str| format!("--sample=deploy --image=registry.gitlab.com/acme/web --tag={tag}");
    let pipeline = || "--sample=pipeline --repository=acme/web --branch=main".to_owned();
    let manifests = |tag: &str| format!("--sample=deploy --image=ghcr.io/acme/web --tag={tag}");
    vec![
        Scene { config: "flux-v1.yaml", ..Scene::default() },
        Scene {
            config: "flux-v2.yaml",
            objects: vec![
                object("source.toolkit.fluxcd.io/v1", "GitRepository", "fleet"),
                object("kustomize.toolkit.fluxcd.io/v1", "Kustomization", "apps"),
                object("image.toolkit.fluxcd.io/v1", "ImageRepository", "web"),
            ],
            good: vec![
                ("github", "--sample=git --repository=acme/fleet".to_owned()),
                ("github", image("ghcr.io/acme/web", "1")),
            ],
            ..Scene::default()
        },
        Scene {
            config: "ghcr-restart.yaml",
            objects: vec![objects::deployment("default", "web", "ghcr.io/acme/web:latest")],
            good: vec![("ghcr", image("ghcr.io/acme/web", "latest"))],
            broken: "ghcr.io/acme/web:latest",
            bad: vec![("ghcr", image("ghcr.io/acme/web", "latest"))],
        },
        Scene {
            config: "gitlab-ci.yaml",
            objects: gitlab(),
            good: vec![("gitlab-ci", deploy("1"))],
            broken: "registry.gitlab.com/acme/web:latest",
            bad: vec![("gitlab-ci", deploy("2"))],
        },
        Scene {
            config: "gitlab-pipeline.yaml",
            objects: gitlab(),
            good: vec![("gitlab", pipeline())],
            broken: "registry.gitlab.com/acme/web:latest",
            bad: vec![("gitlab", pipeline())],
        },
        Scene {
            config: "knative-blue-green.yaml",
            objects: environments()
                .map(|(_, name)| objects::knative_service(name, name, "ghcr.io/owner/repo:1"))
                .into(),
            good: environments().map(|environment| ("ci", request(environment, "1.1"))).into(),
            broken: "ghcr.io/owner/repo:2",
            bad: environments().map(|environment| ("ci", request(environment, "2"))).into(),
        },
        Scene {
            config: "manifests.yaml",
            good: vec![("ci", manifests("1.0.0"))],
            broken: "ghcr.io/acme/web:2.0.0",
            bad: vec![("ci", manifests("2.0.0"))],
            ..Scene::default()
        },
        Scene {
            config: "notify.yaml",
            objects: vec![objects::deployment("default", "web", "ghcr.io/acme/web:1.0.0")],
            good: vec![("ghcr", image("ghcr.io/acme/web", "1.1.0"))],
            broken: "ghcr.io/acme/web:1.2.0",
            bad: vec![("ghcr", image("ghcr.io/acme/web", "1.2.0"))],
        },
        Scene {
            config: "organization.yaml",
            objects: organization(),
            good: vec![
                ("acme", image("ghcr.io/acme/web", "latest")),
                ("acme", image("ghcr.io/acme/web", "2.0.0")),
            ],
            broken: "ghcr.io/acme/bad:2.0.0",
            bad: vec![("acme", image("ghcr.io/acme/bad", "2.0.0"))],
        },
        Scene {
            config: "quay-semver.yaml",
            objects: vec![objects::deployment("default", "web", "quay.io/acme/web:1.0.0")],
            good: vec![("quay", image("quay.io/acme/web", "1.4.0"))],
            broken: "quay.io/acme/web:1.5.0",
            bad: vec![("quay", image("quay.io/acme/web", "1.5.0"))],
        },
    ]
}

/// The documents that `boathook rbac` prints with these options.
fn printed(config: &str, options: &[&str]) -> Vec<Value> {
    let bench = Bench::new(BINARY);
    bench.write("boathook.yaml", config);
    secrets(&bench, config);
    let text = bench.run(&[&["rbac", "boathook.yaml"], options].concat()).expect(0).stdout;
    let documents = serde_yaml::Deserializer::from_str(&text).map(|document| {
        let value = <serde_yaml::Value as serde::Deserialize>::deserialize(document).unwrap();
        serde_json::to_value(value).unwrap()
    });
    documents.filter(|document| !document.is_null()).collect()
}

/// The rules of Roles that are bound to the `ServiceAccount`.
fn rules(documents: &[Value]) -> Vec<Rule> {
    let mut rules = Vec::new();
    for role in documents.iter().filter(|document| document["kind"] == "Role") {
        let namespace = role["metadata"]["namespace"].as_str().unwrap();
        let bound = documents.iter().any(|binding| {
            binding["kind"] == "RoleBinding"
                && binding["metadata"]["namespace"] == namespace
                && binding["roleRef"]["kind"] == "Role"
                && binding["roleRef"]["name"] == role["metadata"]["name"]
                && binding["subjects"]
                    == json!([{"kind": "ServiceAccount", "name": "boathook", "namespace": "boathook"}])
        });
        assert!(bound, "{role}");
        for rule in role["rules"].as_array().unwrap() {
            let list = |field: &str| serde_json::from_value(rule[field].clone()).unwrap_or_default();
            let namespace = Some(namespace.to_owned());
            rules.push(Rule {
                verbs: list("verbs"),
                groups: list("apiGroups"),
                resources: list("resources"),
                names: list("resourceNames"),
                namespace,
            });
        }
    }
    rules
}

/// `default patch apps/deployments web`: each single right; without a name it is for every one.
fn single(rules: &[Rule]) -> BTreeSet<String> {
    let mut single = BTreeSet::new();
    for rule in rules {
        assert_eq!(rule.groups.len(), 1, "{rule:?}");
        let namespace = rule.namespace.as_deref().unwrap();
        let names = if rule.names.is_empty() { vec![String::new()] } else { rule.names.clone() };
        for (resource, verb) in
            rule.resources.iter().flat_map(|resource| rule.verbs.iter().map(move |v| (resource, v)))
        {
            let group = &rule.groups[0];
            single.extend(names.iter().map(|name| format!("{namespace} {verb} {group}/{resource} {name}")));
        }
    }
    single
}

/// The rights that these requests used, in both forms: with the object's name and for every one.
fn used(requests: &[Recorded]) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    for request in requests.iter().filter(|request| (200..300).contains(&request.status)) {
        let Some(target) = Target::parse(request.path()) else { continue };
        let verb = match (request.method.as_str(), &target.name) {
            ("GET", Some(_)) => "get",
            ("GET", None) => "list",
            // It took `create` as well, if there was no such object.
            ("PATCH", _) => "patch",
            ("POST", _) => "create",
            ("DELETE", _) => "delete",
            other => panic!("{other:?}"),
        };
        let verbs =
            if request.status == 201 && verb == "patch" { vec!["patch", "create"] } else { vec![verb] };
        for verb in verbs {
            let namespace = target.namespace.clone().unwrap_or_default();
            let right = format!("{namespace} {verb} {}/{} ", target.group, target.resource);
            used.insert(right.clone() + &target.name.clone().unwrap_or_default());
            used.insert(right);
        }
    }
    used
}

/// Plays a scene with no more rights than are printed with these options; what was refused.
fn play(scene: &Scene, options: &[&str]) -> Vec<String> {
    let (receiver, site, state) = (Receiver::start(), Site::start(), TempDir::new());
    let config = changed(scene.config, &receiver, &site, &state);
    let rules = rules(&printed(&config, options));
    let kube = kube::Double::start();
    for object in &scene.objects {
        kube.apply(object.clone());
    }
    kube.allow_only(&rules);
    let here = Stage::of(&config, &[&format!("--kube-api={}", kube.url())]);
    let send = |(endpoint, sample): &(&str, String)| {
        if sample.starts_with('{') {
            here.send_body(endpoint, sample);
        } else {
            here.send(endpoint, &sample.split(' ').collect::<Vec<_>>());
        }
    };
    scene.good.iter().for_each(send);
    if !scene.broken.is_empty() {
        kube.break_image(scene.broken, How::ImagePullBackOff);
    }
    scene.bad.iter().for_each(send);
    // Events are recorded after a run has ended.
    kube.wait_for_blocking(|requests| single(&rules).is_subset(&used(requests)));
    let refused = kube.requests().into_iter().filter(|request| request.status == 403);
    refused.map(|request| format!("{} {}", request.method, request.path())).collect()
}

#[test]
fn everything_that_is_printed_is_used_and_nothing_else_is_needed() {
    let names: Vec<_> = scenes().iter().map(|scene| scene.config).collect();
    let files = yaml_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("config"));
    let there: Vec<_> = files.iter().map(|file| file.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, there, "a new configuration needs its scene");
    for scene in scenes() {
        let refused = play(&scene, &["--with=reasons,events,rollback"]);
        assert!(refused.is_empty(), "{}: {refused:#?}", scene.config);
    }
}

#[test]
fn without_options_only_what_is_of_use_is_refused() {
    for scene in scenes() {
        let refused = play(&scene, &[]);
        let of_use = |request: &String| {
            let resource = request.rsplit('/').next().unwrap();
            ["pods", "replicasets", "events"].contains(&resource)
        };
        assert!(refused.iter().all(of_use), "{}: {refused:#?}", scene.config);
    }
}

#[test]
fn the_manifests_roles_are_what_is_printed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("kustomization");
    for (overlay, account) in [("base", "boathook/boathook"), ("sidecar-example", "default/web")] {
        let read = |name: &str| std::fs::read_to_string(root.join(overlay).join(name)).unwrap();
        let bench = Bench::new(BINARY);
        let config = read("config.yaml");
        bench.write("config.yaml", &config);
        secrets(&bench, &config);
        let printed = bench.run(&["rbac", "config.yaml", "--service-account", account]).expect(0);
        assert_eq!(printed.stdout, read("role.yaml"), "{overlay}: print its role.yaml again");
    }
}
