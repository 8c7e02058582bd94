//! `send` and `explain` when they cannot do what they are asked.

use super::bench;
use support::command::Bench;
use support::sign::hook_path;

const KEY: &str = "0123456789abcdef0123456789abcdef";

const CONFIG: &str = "\
version: 1
endpoints:
- {name: ghcr, source: GitHub, keyPath: a.key, rules: [{do: [fluxNotify: {}]}]}
- name: gcr
  source: GoogleContainerRegistry
  keyPath: b.key
  gcr: {audience: https://hooks.example.com, email: push@acme.iam.gserviceaccount.com}
  rules: [{do: [fluxNotify: {}]}]
";

fn prepared() -> Bench {
    let bench = bench();
    bench.write("c.yaml", CONFIG);
    bench.write("a.key", KEY);
    bench.write("b.key", KEY.replace('0', "f"));
    bench
}

#[test]
fn an_endpoint_that_is_not_there_is_looked_for() {
    let bench = prepared();
    for command in ["send", "explain"] {
        let unknown = bench.run(&[command, "--config", "c.yaml", "--endpoint", "ghrc"]).expect(2);
        unknown.tells("the configuration has no endpoint ghrc; did you mean ghcr?");
        let unknown = bench.run(&[command, "--config", "c.yaml", "--endpoint", "production"]).expect(2);
        unknown.tells("known: gcr, ghcr");
        bench
            .run(&[command, "--config", "none.yaml", "--endpoint", "a"])
            .expect(2)
            .tells("none.yaml: cannot be read");
        let header = [command, "--config", "c.yaml", "--endpoint", "ghcr", "--header"];
        bench.run(&[&header[..], &["no colon"]].concat()).expect(2).tells("must be NAME:VALUE");
        bench.run(&[&header[..], &["a b: c"]].concat()).expect(2).tells("header a b: not a valid name");
        bench.run(&[&header[..], &["a: b\u{7}"]].concat()).expect(2).tells("header a: not a valid value");
    }
}

#[test]
fn samples_need_to_make_sense() {
    let bench = prepared();
    let ghcr = ["send", "--config", "c.yaml", "--endpoint", "ghcr", "--sample"];
    bench.run(&[&ghcr[..], &["imag"]].concat()).expect(2).tells("did you mean image?");
    bench.run(&[&ghcr[..], &["image", "--image", "a b"]].concat()).expect(2).tells("--image");
    let google = ["send", "--config", "c.yaml", "--endpoint", "gcr", "--sample", "image"];
    bench.run(&google).expect(2).tells("Google");
}

#[test]
fn a_relay_that_is_not_there_is_told_without_the_path() {
    let bench = prepared();
    let digest = hook_path(KEY.as_bytes());
    let digest = digest.strip_prefix("/hook/").unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nobody = format!("http://{free}");
    for (to, told) in [
        (nobody.as_str(), "Connection refused"),
        ("127.0.0.1:8080", "--to 127.0.0.1:8080: must be http://… or https://…"),
        ("localhost:8080", "must be http://… or https://…"),
        ("ftp://127.0.0.1", "must be http://… or https://…"),
        ("http://", "must be http://… or https://…"),
    ] {
        let ended = bench.run(&["send", "--config=c.yaml", "--endpoint=ghcr", "--sample=ping", "--to", to]);
        assert_eq!(ended.code, if told.starts_with("Conn") { 1 } else { 2 }, "{to}: {ended:?}");
        ended.tells(told).tells(to);
        assert!(!ended.stderr.contains(digest) && !ended.stdout.contains(digest), "{ended:?}");
    }
}
