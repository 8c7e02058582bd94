//! The control socket itself: who can open it, what it takes, and that it is nowhere else.

use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};

use super::{Scene, with_state};
use support::scene::{RESTART_WEB, effective, prepared};
use support::{github, http};

fn socket(scene: &Scene) -> String {
    format!("unix://{}/boathook.sock", scene.state.path().display())
}

#[test]
fn only_its_owner_can_open_it() {
    let scene = Scene::new("settle: 0", &[RESTART_WEB]);
    let file = std::fs::metadata(scene.state.path().join("boathook.sock")).unwrap();
    assert!(file.file_type().is_socket());
    assert_eq!(file.permissions().mode() & 0o777, 0o600);
    let hidden = std::fs::read_dir(scene.state.path()).unwrap().map(|entry| entry.unwrap().file_name());
    let hidden: Vec<_> = hidden.filter(|name| name.to_string_lossy().starts_with(".s")).collect();
    assert!(hidden.is_empty(), "{hidden:?}");
}

#[test]
fn it_goes_with_the_relay_and_one_of_a_killed_relay_is_replaced() {
    let mut scene = Scene::new("settle: 0", &[RESTART_WEB]);
    scene.relay.kill();
    scene.run(&["deliveries"]).expect(1).tells("no relay answers at");
    scene.relay = scene.relay.restart();
    scene.run(&["deliveries"]).expect(0);
    assert_eq!(scene.relay.stop(), 0);
    scene.run(&["deliveries"]).expect(1).tells("no relay runs with this state directory");
    assert!(!scene.state.path().join("boathook.sock").exists());
}

#[test]
fn a_successor_waits_and_takes_over_what_is_known() {
    let mut scene = Scene::new("settle: 0", &[RESTART_WEB]);
    let delivery = github::image("ghcr.io/acme/web", "latest");
    assert_eq!(delivery.clone().wait(50).send(&scene.relay).status, 200);
    let successor = prepared(&scene.kube, &with_state(&scene.state, "settle: 0"), &[RESTART_WEB]);
    let successor = std::thread::spawn(move || successor.start());
    assert_eq!(scene.listed().len(), 1, "the first still answers");
    assert_eq!(scene.relay.stop(), 0);
    scene.relay = successor.join().unwrap();
    let id = delivery.value("X-GitHub-Delivery");
    assert_eq!(scene.listed()[0]["id"], id);
    scene.run(&["redeliver", id, "--wait", "50s"]).expect(0);
    assert_eq!(effective(&scene.kube).len(), 2);
}

#[test]
fn the_hook_listener_has_none_of_it() {
    let scene = Scene::new("settle: 0", &[RESTART_WEB]);
    for (method, path) in [("GET", "/deliveries"), ("GET", "/holds"), ("POST", "/deliveries/1/redeliver")] {
        assert_eq!(http::send(method, scene.relay.address(), path, &[], b"").status, 404, "{method} {path}");
        assert_ne!(http::send(method, &socket(&scene), path, &[], b"").text(), "", "{method} {path}");
    }
    assert_eq!(http::send("GET", &socket(&scene), "/deliveries", &[], b"").status, 200);
}

#[test]
fn what_it_does_not_take_is_a_problem() {
    let scene = Scene::new("settle: 0", &[RESTART_WEB]);
    for (method, path, status, allow) in [
        ("GET", "/", 404, None),
        ("GET", "/hook/1", 404, None),
        ("POST", "/deliveries", 405, Some("GET")),
        ("GET", "/deliveries/1/redeliver", 405, Some("POST")),
        ("GET", "/holds/a/deployment/b", 405, Some("DELETE")),
        ("GET", "/deliveries?limit=many", 400, None),
        ("GET", "/deliveries/1", 404, None),
        ("POST", "/deliveries/1/redeliver", 404, None),
        ("DELETE", "/holds/a/pod/b", 400, None),
        ("DELETE", "/holds/a/deployment/b", 404, None),
    ] {
        let answer = http::send(method, &socket(&scene), path, &[], b"");
        assert_eq!((answer.status, answer.header("allow")), (status, allow), "{method} {path}");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{method} {path}");
        assert_eq!(answer.json()["status"], status, "{method} {path}");
    }
}

#[test]
fn callers_that_say_nothing_do_not_keep_it_for_themselves() {
    let scene = Scene::new("settle: 0", &[RESTART_WEB]);
    let idle: Vec<_> = (0..20).map(|_| http::Connection::open(&socket(&scene)).unwrap()).collect();
    // As many as are served at once say nothing until their time is up.
    scene.run(&["deliveries"]).expect(0);
    drop(idle);
}
