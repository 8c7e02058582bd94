//! Paths, queries and selectors.

use serde_json::json;
use support::kube::route::{Query, Target};
use support::kube::selector::{Fields, Labels};

#[test]
fn paths() {
    let target = Target::parse("/apis/apps/v1/namespaces/rec/deployments/web/status").unwrap();
    assert_eq!((target.group.as_str(), target.resource.as_str()), ("apps", "deployments"));
    assert_eq!(
        (target.namespace.as_deref(), target.name.as_deref(), target.subresource.as_deref()),
        (Some("rec"), Some("web"), Some("status"))
    );
    let namespace = Target::parse("/api/v1/namespaces/rec").unwrap();
    assert_eq!((namespace.resource.as_str(), namespace.name.as_deref()), ("namespaces", Some("rec")));
    assert_eq!(Target::parse("/apis/apps/v1"), None);
    assert_eq!(Target::parse("/version"), None);
}

#[test]
fn queries_are_decoded() {
    let query = Query::parse("labelSelector=app%3Dweb%2Ctier%21%3Ddb&x=a+b&empty=");
    assert_eq!(query.get("labelSelector"), Some("app=web,tier!=db"));
    assert_eq!(query.get("x"), Some("a b"));
    assert_eq!(query.get("empty"), None);
}

#[test]
fn label_selectors() {
    let object = json!({"metadata": {"labels": {"app": "web", "env": "prod"}}});
    for (selector, fits) in [
        ("", true),
        ("app=web", true),
        ("app == web , env!=test", true),
        ("app!=web", false),
        ("team!=shop", true),
        ("env in (test, prod)", true),
        ("env notin (test,prod)", false),
        ("team notin (a)", true),
        ("env", true),
        ("!env", false),
        ("!team,app", true),
        ("team=", false),
    ] {
        assert_eq!(Labels::parse(selector).unwrap().fits(&object), fits, "{selector}");
    }
    for broken in ["===", "app=web,", "app in web", "app in (a", "a b", "=x", "app=(", "app>5>"] {
        assert_eq!(Labels::parse(broken).unwrap_err().code, 400, "{broken}");
    }
}

#[test]
fn field_selectors() {
    let web = json!({"metadata": {"name": "web", "namespace": "rec"}});
    let fields =
        Fields::parse("metadata.name=web,metadata.namespace!=x", "apps/v1, Resource=deployments").unwrap();
    assert!(fields.fits(&web));
    assert_eq!(fields.name(), Some("web"));
    assert_eq!(Fields::parse("spec.x=1", "apps/v1, Resource=deployments").unwrap_err().code, 400);
}
