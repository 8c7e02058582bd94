use serde_json::json;

use super::super::manifests::Manifest;
use super::*;
use crate::action::testing::{context, deploy};

fn manifest(file: &str, kind: (&str, &str), namespace: Option<&str>, name: &str) -> Manifest {
    let object = json!({
        "apiVersion": kind.0, "kind": kind.1, "metadata": {"name": name, "namespace": namespace},
    });
    let identity = Identity::of(&object).unwrap();
    Manifest { file: file.to_owned(), place: format!("{file}:1"), identity, object }
}

fn filled(manifests: Vec<Manifest>) -> Result<Vec<Filled>, String> {
    let event = deploy("ghcr.io/acme/web", "1.2", None);
    let values = context(&event, None, None).values;
    manifests.into_iter().map(|manifest| Filled::new(manifest, &values)).collect()
}

fn bounds(namespaces: &[&str], cluster_scoped: bool) -> Bounds {
    Bounds { namespaces: namespaces.iter().map(|name| (*name).to_owned()).collect(), cluster_scoped }
}

const MAP: (&str, &str) = ("v1", "ConfigMap");

#[test]
fn each_object_has_its_wave_and_workloads_share_one() {
    let objects = vec![
        manifest("a", ("networking.k8s.io/v1", "Ingress"), None, "web"),
        manifest("b", ("apps/v1", "Deployment"), None, "web"),
        manifest("c", ("apps/v1", "StatefulSet"), None, "db"),
        manifest("d", MAP, None, "second"),
        manifest("e", ("v1", "Namespace"), None, "shop"),
        manifest("f", MAP, None, "third"),
    ];
    let filled = filled(objects).unwrap();
    let bounds = bounds(&["shop"], true);
    let placed = place(&filled, &taken_for_granted(&filled, &bounds), &bounds).unwrap();
    let waves: Vec<_> = placed.iter().map(|placed| (placed.object.to_string(), placed.wave)).collect();
    let wave = |name: &str, wave| (name.to_owned(), wave);
    assert_eq!(
        waves,
        [
            wave("namespace/shop", 1),
            wave("configmap/second", 2),
            wave("configmap/third", 3),
            wave("deployment/web", 4),
            wave("statefulset/db", 4),
            wave("ingress/web", 5),
        ]
    );
    let json = serde_json::to_value(&placed[1]).unwrap();
    assert_eq!(serde_json::from_value::<Placed>(json).unwrap(), placed[1]);
}

#[test]
fn nothing_goes_where_it_may_not() {
    let told = |manifests: Vec<Manifest>, bounds: &Bounds| {
        let filled = filled(manifests).unwrap();
        place(&filled, &taken_for_granted(&filled, bounds), bounds).unwrap_err()
    };
    let both = bounds(&["shop", "default"], false);
    let elsewhere = manifest("a", MAP, Some("kube-${environment}"), "x");
    assert!(told(vec![elsewhere], &both).contains("goes to namespace kube-production, which is not in"));
    assert!(told(vec![manifest("a", MAP, None, "x")], &both).contains("names no namespace"));
    let twice =
        vec![manifest("a", MAP, Some("shop"), "${workload}"), manifest("b", MAP, Some("shop"), "web")];
    assert!(told(twice, &both).starts_with("b:1: ConfigMap web stands there twice"));
    let role = || manifest("a", ("rbac.authorization.k8s.io/v1", "ClusterRole"), None, "x");
    assert!(told(vec![role()], &both).contains("clusterScoped: true allows that"));
    let many = (0..9).map(|_| role()).collect();
    assert!(told(many, &both).ends_with("; and 4 more"));
    let hostile = filled(vec![manifest("a", MAP, None, "../${image}")]).unwrap_err();
    assert!(hostile.starts_with("a:1: metadata.name: \"../ghcr.io/acme/web\" is not"), "{hostile}");
}

#[test]
fn what_can_be_known_without_an_event_is_a_mistake_already() {
    let template = |text: &str| Template::parse(text).unwrap();
    let told = |manifests: &[Manifest], namespaces: &[&str], cluster_scoped| {
        let namespaces: Vec<_> = namespaces.iter().map(|text| template(text)).collect();
        mistakes(manifests, &namespaces, cluster_scoped)
    };
    let in_shop = [manifest("a", MAP, Some("shop"), "x"), manifest("b", MAP, Some("${namespace}"), "x")];
    assert!(told(&in_shop, &["shop"], false).is_empty());
    assert!(told(&in_shop, &["${namespace}"], false).is_empty(), "it may be shop");
    assert_eq!(told(&in_shop[..1], &["default"], false).len(), 1);
    let unknown = [manifest("a", ("example.com/v1", "Thing"), None, "x")];
    assert!(told(&unknown, &["a", "b"], true).is_empty(), "it may be in no namespace");
    assert_eq!(told(&unknown, &["a", "b"], false).len(), 1);
    let twice = [manifest("a", MAP, None, "x"), manifest("b", MAP, Some("shop"), "x")];
    assert_eq!(told(&twice, &["shop"], false), ["b:1: ConfigMap x stands in a:1 too"]);
}
