//! Deliveries, health, and what is not there.

use super::Watched;
use serde_json::json;
use support::command::Bench;
use support::github;
use support::http;
use support::scene::{RESTART_WEB, cluster, prepared};
use support::sign::hook_path;

#[test]
fn deliveries_are_those_of_the_control_socket() {
    let kube = cluster(&["web"]);
    let watched = Watched::start(prepared(&kube, "settle: 0", &[RESTART_WEB]).state());
    assert_eq!(watched.get("/deliveries").json(), json!({"deliveries": []}));
    for tag in ["1.0.0", "1.0.1"] {
        github::image("ghcr.io/acme/web", tag).header("X-GitHub-Delivery", tag).wait(50).send(&watched.relay);
    }
    let mut bench = Bench::new(env!("CARGO_BIN_EXE_boathook"));
    bench.environment("BOATHOOK_STATE", watched.relay.directory().join("state").to_str().unwrap());
    let listed = bench.run(&["deliveries", "--json"]).expect(0).json();
    assert_eq!(watched.get("/deliveries").json(), listed);
    assert_eq!(watched.get("/deliveries?limit=1").json()["deliveries"][0], listed["deliveries"][0]);
    let one = watched.get("/deliveries/1.0.0").json();
    assert_eq!(one["deliveries"].as_array().unwrap().len(), 1);
    assert_eq!(one["deliveries"][0], listed["deliveries"][1]);
    assert_eq!(watched.get("/deliveries/2").status, 404);
    assert_eq!(watched.get("/deliveries?limit=many").status, 400);
}

#[test]
fn nothing_can_be_changed() {
    let kube = cluster(&["web"]);
    let watched = Watched::start(prepared(&kube, "settle: 0", &[RESTART_WEB]).state());
    let delivery = github::image("ghcr.io/acme/web", "1.0.0").header("X-GitHub-Delivery", "1").wait(50);
    assert_eq!(delivery.send(&watched.relay).status, 200);
    kube.forget_requests();
    let hook = hook_path(github::KEY.as_bytes());
    for (method, path, status) in [
        ("POST", "/metrics", 405),
        ("PUT", "/info", 405),
        ("DELETE", "/deliveries/1", 405),
        ("POST", "/deliveries/1/redeliver", 404),
        ("GET", "/deliveries/1/redeliver", 404),
        ("DELETE", "/holds/default/deployment/web", 404),
        ("GET", "/holds", 404),
        ("GET", "/", 404),
        ("POST", hook.as_str(), 404),
    ] {
        let headers = delivery.pairs();
        let body: &[u8] = if path == hook { &delivery.body } else { b"" };
        let answer =
            http::send(method, &watched.admin, path, if path == hook { &headers } else { &[] }, body);
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text());
        assert_eq!(answer.header("allow"), (status == 405).then_some("GET"), "{method} {path}");
    }
    assert!(kube.mutations().is_empty());
    assert_eq!(
        http::send("GET", watched.relay.address(), "/metrics", &[], b"").status,
        404,
        "the hook listener"
    );
}

#[test]
fn it_says_how_it_is() {
    let kube = cluster(&["web"]);
    let watched = Watched::new(&kube, "settle: 0", &[RESTART_WEB]);
    let ready = watched.get("/ready");
    assert_eq!((ready.status, ready.text().as_str()), (200, "ready\n"));
    assert_eq!(watched.get("/health").text(), "OK\n");
}

#[test]
fn a_name_that_was_bent_to_this_machine_opens_nothing() {
    let kube = cluster(&["web"]);
    let setup = || prepared(&kube, "settle: 0", &[RESTART_WEB]);
    let watched = Watched::start(setup().state());
    let asked = |watched: &Watched, path: &str, host: &str| {
        http::send("GET", &watched.admin, path, &[("Host", host)], b"")
    };
    for page in ["/metrics", "/deliveries", "/deliveries/1", "/info", "/health", "/ready", "/"] {
        let answer = asked(&watched, page, "rebound.example:8081");
        assert_eq!(answer.status, 421, "{page}: {}", answer.text());
        let why = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(why.contains("by an address or as localhost alone"), "{page}: {why}");
    }
    for host in ["localhost:9090", "127.0.0.1:8081", "[::1]:8081"] {
        assert_eq!(asked(&watched, "/deliveries", host).status, 200, "{host}");
    }
    let open = Watched::start_at(setup(), "0.0.0.0:0");
    assert_eq!(asked(&open, "/deliveries", "boathook.ops.svc:8081").status, 200, "a Service's name");
}

#[test]
fn no_page_has_a_secret() {
    let kube = cluster(&["web"]);
    kube.require_token(Some("the-token-of-the-api"));
    let settings = "settle: 0\nretryFor: 1s";
    let watched = Watched::start(prepared(&kube, settings, &[RESTART_WEB]).state());
    let delivery = github::image("ghcr.io/acme/web", "1.0.0");
    delivery.clone().wait(50).send(&watched.relay);
    let path = hook_path(github::KEY.as_bytes());
    http::send("POST", watched.relay.address(), &path, &[("X-Hub-Signature-256", "sha256=00")], b"{}");
    http::send("POST", watched.relay.address(), &hook_path(b"nobody's"), &[], b"");
    let digest = path.trim_start_matches("/hook/");
    let id = delivery.value("X-GitHub-Delivery");
    for page in ["/metrics", "/deliveries", &format!("/deliveries/{id}"), "/info", "/ready", &path] {
        let text = watched.get(page).text();
        for secret in [
            github::KEY,
            digest,
            &digest[..8],
            &hook_path(b"nobody's")[6..14],
            delivery.value("X-Hub-Signature-256"),
            "the-token-of-the-api",
        ] {
            assert!(!text.contains(secret), "{page} has {secret}: {text}");
        }
    }
}
