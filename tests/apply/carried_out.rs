//! What is applied, in which order, and what is left as it is.

use serde_json::json;

use super::{CONFIG_MAP, SECRET, deployment, patched, prepared, push_branch, secret, with_action};
use support::kube::{Double, Fault, Kind};
use support::stage::{push_git, push_git_only};

const SERVICE: &str = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 80}]}\n";

#[test]
fn several_kinds_go_in_an_order_that_works_and_are_unchanged_the_second_time() {
    let kube = Double::start();
    let account = "{\"apiVersion\": \"v1\", \"kind\": \"ServiceAccount\", \"metadata\": {\"name\": \"web\"}}";
    let web = format!("{}---\n{SERVICE}---\n# nothing\n---\n{}", deployment("ghcr.io/acme/web:1"), secret());
    let claim = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: disk, namespace: shop}\n";
    let files =
        [("10-web.yaml", web.as_str()), ("20-map.yml", CONFIG_MAP), ("30.json", account), ("40.yaml", claim)];
    let relay = prepared(&kube, "", &files).state().start();
    relay.write("manifests/README.md", "no manifest");
    let ended = push_git(&relay);
    ended.is("succeeded", "deployment/web: created; rolled out");
    let order = [
        "serviceaccounts/web",
        "secrets/login",
        "configmaps/settings",
        "persistentvolumeclaims/disk",
        "services/web",
        "deployments/web",
    ];
    assert_eq!(patched(&kube), order);
    let targets: Vec<_> = ended.targets().into_iter().map(|[target, ..]| target).collect();
    assert_eq!(targets[..2], ["shop/serviceaccount/web", "shop/secret/login"]);
    let first = &kube.patches()[2];
    assert_eq!(first.path_and_query, "/api/v1/namespaces/shop/configmaps/settings?fieldManager=boathook");
    assert_eq!(first.header("content-type"), Some("application/apply-patch+yaml"));
    let data = json!({"color": "blue", "commit": "5b2c".repeat(10)});
    assert_eq!(first.body["data"], data);
    assert_eq!(first.body["metadata"], json!({"name": "settings", "namespace": "shop"}));
    assert_eq!(kube.object("secrets", "shop", "login")["stringData"]["password"], SECRET);

    kube.forget_requests();
    let again = push_git(&relay);
    again.is("unchanged", "configmap/settings: it is as its manifest says");
    assert!(again.targets().iter().all(|[_, outcome, _]| outcome == "unchanged"), "{:?}", again.targets());
    assert_eq!(kube.patches().len(), order.len());

    relay.write(
        "manifests/10-web.yaml",
        format!("{}---\n{SERVICE}---\n{}", deployment("ghcr.io/acme/web:2"), secret()),
    );
    let changed = push_git(&relay);
    changed.is("succeeded", "deployment/web: changed; rolled out");
    assert_eq!(changed.targets().iter().filter(|[_, outcome, _]| outcome == "unchanged").count(), 5);
    assert_eq!(kube.history("deployments", "shop", "web"), ["ghcr.io/acme/web:1", "ghcr.io/acme/web:2"]);

    // What is in a Secret is neither logged nor kept.
    let journal = std::fs::read_dir(relay.directory().join("state")).unwrap();
    let files = journal.map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    let kept: Vec<u8> = files.flat_map(|file| std::fs::read(file).unwrap()).collect();
    let has = |text: &str| kept.windows(text.len()).any(|bytes| bytes == text.as_bytes());
    assert!(has("serviceaccounts"), "the objects are journalled by their names");
    assert!(!has(SECRET) && !relay.log().contains(SECRET));
}

const DEFINITION: &str = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n\
    metadata: {name: things.example.com}\nspec:\n  group: example.com\n  scope: Namespaced\n  \
    names: {kind: Thing, plural: things}\n  versions: [{name: v1, served: true, storage: true}]\n";
const THING: &str = "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: one}\nspec: {a: 1}\n";

#[test]
fn objects_of_a_kind_wait_until_the_cluster_has_taken_it_up() {
    let kube = Double::start();
    let files = [("a.yaml", THING), ("b.yaml", DEFINITION)];
    let relay = prepared(&kube, ", clusterScoped: true", &files).start();
    push_git_only(&relay);
    relay.wait_for_log("the cluster has yet to take up the kind that it defines");
    kube.install(Kind::custom("example.com", "v1", "Thing", "things"));
    let established = json!({"conditions": [{"type": "Established", "status": "True"}]});
    kube.set_status("customresourcedefinitions", "", "things.example.com", established);
    kube.wait_for_object("things", "shop", "one", |thing| thing["spec"]["a"] == 1);
    let patches = patched(&kube);
    assert_eq!(patches.last().unwrap(), "things/one");
    let rest = &patches[..patches.len() - 1];
    assert!(rest.iter().all(|path| path == "customresourcedefinitions/things.example.com"), "{patches:?}");
}

#[test]
fn what_a_sender_names_changes_a_value_and_nothing_around_it() {
    let kube = Double::start();
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, labels: {a: b}}\n\
        data: {branch: \"<${branch}>\", plain: \"$${branch} $5\"}\n";
    let relay = prepared(&kube, "", &[("a.yaml", map)]).start();
    let branch = "a\"}\\u0022, x: {y: [${delivery}]} # '${commit}' \u{1F6A4}";
    let answer = push_branch(&relay, branch);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let object = kube.object("configmaps", "shop", "settings");
    assert_eq!(object["data"], json!({"branch": format!("<{branch}>"), "plain": "${branch} $5"}));
    assert_eq!(object["metadata"]["labels"], json!({"a": "b"}));
}

#[test]
fn a_rollout_that_fails_fails_the_run_and_leaves_the_rest_alone() {
    let kube = Double::start();
    kube.install(Kind::custom("example.com", "v1", "Thing", "things"));
    kube.break_image("ghcr.io/acme/web:bad", support::kube::How::ImagePullBackOff);
    let web = deployment("ghcr.io/acme/web:bad");
    let files = [("a.yaml", THING), ("web.yaml", web.as_str())];
    let relay = prepared(&kube, "", &files).start();
    let ended = push_git(&relay);
    ended.is("failed", "deployment/web: created; it has exceeded its progress deadline");
    let [_, thing, why] = &ended.targets()[1];
    assert_eq!((thing.as_str(), why.as_str()), ("skipped", "left alone, since another target failed"));
    assert_eq!(patched(&kube), ["deployments/web"]);
}

#[test]
fn an_answer_that_was_lost_does_no_harm() {
    let kube = Double::start();
    let relay = prepared(&kube, "", &[("a.yaml", CONFIG_MAP)]).start();
    kube.fail_for(Fault::LoseAnswer, "PATCH", "", Some(1));
    push_git(&relay).is("succeeded", "configmap/settings: created");
    assert_eq!(kube.patches().len(), 2);
}

#[test]
fn a_namespace_may_come_from_the_event_and_bounds_what_is_applied() {
    let kube = Double::start();
    let action = "{apply: {manifests: manifests, namespaces: [\"${branch}\"]}}";
    let there = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other, namespace: shop}\n";
    let relay = with_action(&kube, action, &[("a.yaml", CONFIG_MAP), ("b.yaml", there)]).start();
    assert_eq!(push_branch(&relay, "shop").status, 200);
    assert_eq!(patched(&kube), ["configmaps/settings", "configmaps/other"]);
    kube.forget_requests();
    let answer = push_branch(&relay, "main");
    let told = "b.yaml:1: ConfigMap other goes to namespace shop, which is not in `namespaces`";
    assert!(answer.status == 424 && answer.text().contains(told), "{}", answer.text());
    let answer = push_branch(&relay, "../x");
    assert!(answer.text().contains("is not a namespace's name"), "{}", answer.text());
    assert_eq!(kube.mutations().len(), 0, "not even what may be applied");
}
