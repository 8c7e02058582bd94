//! What the API refuses, and what may not be applied: said with the way out, and the rest is left alone.

use super::{CONFIG_MAP, SECRET, patched, prepared, secret};
use support::kube::{Double, Fault, Rule};
use support::stage::push_git;

const SERVICE: &str = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 80}]}\n";

fn map(color: &str) -> serde_json::Value {
    serde_json::json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "namespace": "shop"},
        "data": {"color": color},
    })
}

#[test]
fn a_field_that_others_manage_is_named_with_them_and_can_be_taken_over() {
    let kube = Double::start();
    kube.apply(map("green"));
    let files = [("a.yaml", CONFIG_MAP), ("b.yaml", SERVICE)];
    let relay = prepared(&kube, "", &files).start();
    let ended = push_git(&relay);
    ended.is("failed", "configmap/settings: patch configmaps settings in namespace shop: conflict: \"test\" using v1 manages .data.color; force: true takes over");
    assert_eq!(ended.targets()[1][1], "skipped");
    assert_eq!(
        (kube.patches().len(), kube.find("services", "shop", "web")),
        (1, None),
        "tried once, and the rest left"
    );

    let relay = prepared(&kube, ", force: true", &files).start();
    push_git(&relay).is("succeeded", "configmap/settings: changed");
    assert!(kube.patches()[1].path_and_query.ends_with("settings?fieldManager=boathook&force=true"));
    assert_eq!(kube.object("configmaps", "shop", "settings")["data"]["color"], "blue");
}

#[test]
fn a_right_that_is_missing_is_named_and_the_rest_is_left_alone() {
    let kube = Double::start();
    let (get_patch, all) = (&["get", "patch"], &["get", "patch", "create"]);
    kube.allow_only(&[
        Rule::new(all, "", &["secrets"], &[]),
        Rule::new(get_patch, "", &["configmaps", "services"], &[]),
    ]);
    let login = secret();
    let files = [("a.yaml", login.as_str()), ("b.yaml", CONFIG_MAP), ("c.yaml", SERVICE)];
    let relay = prepared(&kube, "", &files).start();
    let ended = push_git(&relay);
    ended.is(
        "failed",
        "allow it with {apiGroups: [\"\"], resources: [configmaps], verbs: [create, patch]} in a Role of namespace shop",
    );
    let outcomes: Vec<_> = ended.targets().into_iter().map(|[_, outcome, _]| outcome).collect();
    assert_eq!(outcomes, ["succeeded", "failed", "skipped"]);
    assert_eq!(patched(&kube), ["secrets/login", "configmaps/settings"]);
}

#[test]
fn what_the_api_says_of_a_secret_is_not_repeated() {
    let kube = Double::start();
    let broken = format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: login, labels: {{a: 1}}}}\nstringData: {{password: {SECRET}}}\n"
    );
    let relay = prepared(&kube, "", &[("a.yaml", &broken)]).start();
    kube.fail_for(Fault::Status(422), "PATCH", "", None);
    let ended = push_git(&relay);
    ended.is(
        "failed",
        "patch secrets login in namespace shop: the API answers 422, in words that may repeat the Secret",
    );
    assert!(!relay.log().contains(SECRET));
}

#[test]
fn a_kind_that_is_not_served_or_is_in_no_namespace_stops_everything_before_it_begins() {
    let kube = Double::start();
    let thing = "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: one}\n";
    let relay = prepared(&kube, "", &[("a.yaml", CONFIG_MAP), ("b.yaml", thing)]).start();
    push_git(&relay).is(
        "failed",
        "b.yaml:1: Thing one is of a kind that the cluster does not serve in example.com/v1: is its CRD installed?",
    );
    let mut global = support::kube::Kind::custom("example.com", "v1", "Thing", "things");
    global.namespaced = false;
    kube.install(global);
    push_git(&relay).is("failed", "b.yaml:1: Thing one is in no namespace: clusterScoped: true allows that");
    assert_eq!(kube.mutations().len(), 0);
    let relay =
        prepared(&kube, ", clusterScoped: true", &[("a.yaml", CONFIG_MAP), ("b.yaml", thing)]).start();
    push_git(&relay).is("succeeded", "thing/one: created");
    assert_eq!(kube.patches()[1].path(), "/apis/example.com/v1/things/one");
}
