//! How `serve` is told what to serve and where.

use super::bench;
use support::http;
use support::relay::Relay;

const KEY: &str = "0123456789abcdef0123456789abcdef";

const CONFIG: &str = "\
version: 1
endpoints:
- {name: a, source: GitHub, keyPath: a.key, rules: [{do: [fluxNotify: {}]}]}
";

#[test]
fn addresses_that_cannot_be_listened_on_are_told() {
    let bench = bench();
    bench.write("c.yaml", CONFIG);
    bench.write("a.key", KEY);
    for bad in ["8080", "localhost", "localhost:8080", ":", ":99999", "1.2.3:80", "http://0.0.0.0:80"] {
        let ended = bench.run(&["serve", "--config=c.yaml", &format!("--listen={bad}")]).expect(2);
        ended.tells("must be ADDRESS:PORT in digits, such as 0.0.0.0:8080").tells("--listen ");
    }
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ended = bench.run(&["serve", "--config", "c.yaml", "--listen", &address]).expect(1);
    ended.tells(&format!("cannot listen on {address}: Address already in use"));
    // No address of this machine (RFC 5737).
    bench
        .run(&["serve", "--config", "c.yaml", "--listen", "192.0.2.1:0"])
        .expect(1)
        .tells("cannot listen on");
}

#[test]
fn a_configuration_with_mistakes_is_not_served() {
    let bench = bench();
    bench.write("c.yaml", CONFIG);
    bench
        .run(&["serve", "--config", "c.yaml"])
        .expect(2)
        .tells("error: c.yaml:3:")
        .tells("a.key cannot be read");
    bench.run(&["serve", "--config", "none.yaml"]).expect(2).tells("none.yaml: cannot be read");
    bench.write("a.key", KEY);
    for (flag, told) in [
        ("--kube-api=nowhere", "--kube-api on the command line or in the environment"),
        ("--kube-api=https://10.0.0.1", "caFile is missing"),
        ("--flux-api=nowhere", "--flux-api on the command line"),
        ("--settle=10", "--settle 10: must be a duration such as 0, 500ms or 10s"),
    ] {
        bench.run(&["serve", "--config", "c.yaml", flag]).expect(2).tells(told);
    }
    let in_cluster =
        bench.run(&["serve", "--config", "c.yaml", "--listen=127.0.0.1:0", "--kube-api=in-cluster"]);
    in_cluster.expect(1).tells("KUBERNETES_SERVICE_HOST: is this a pod?");
}

#[test]
fn the_environment_says_what_flags_do_not() {
    let mut bench = bench();
    bench.environment("BOATHOOK_CONFIG", "none.yaml");
    bench.run(&["serve"]).expect(2).tells("none.yaml: cannot be read");
    bench.run(&["serve", "--config", "other.yaml"]).expect(2).tells("other.yaml: cannot be read");
    bench.write("c.yaml", CONFIG);
    bench.write("a.key", KEY);
    bench.environment("BOATHOOK_CONFIG", "c.yaml");
    bench.environment("BOATHOOK_LISTEN", "");
    bench.environment("BOATHOOK_SETTLE", "soon");
    bench.run(&["serve"]).expect(2).tells("--settle soon: must be a duration");
    bench.environment("BOATHOOK_SETTLE", "0");
    bench.environment("BOATHOOK_LISTEN", "nowhere");
    bench.run(&["serve"]).expect(2).tells("--listen nowhere");
}

#[test]
fn flags_without_a_command_serve() {
    let bench = bench();
    bench.run(&["--config", "none.yaml"]).expect(2).tells("none.yaml: cannot be read");
    bench.run(&["--config=none.yaml", "--listen=:0"]).expect(2).tells("none.yaml: cannot be read");
}

#[test]
fn apis_given_outside_of_the_file_are_used() {
    let (kube, flux) = ("http://127.0.0.1:9", "http://127.0.0.1:9/flux");
    let relay = Relay::with(env!("CARGO_BIN_EXE_boathook"), CONFIG)
        .file("a.key", KEY)
        .environment("BOATHOOK_KUBE_API", kube)
        .argument(&format!("--flux-api={flux}"))
        .start();
    assert_eq!(http::send("GET", relay.address(), "/health", &[], b"").status, 200);
    relay.wait_for_log(&format!("Kubernetes API {kube}"));
    let mut relay = Relay::with(env!("CARGO_BIN_EXE_boathook"), CONFIG)
        .file("a.key", KEY)
        .environment("BOATHOOK_KUBE_API", "http://127.0.0.1:7")
        .argument(&format!("--kube-api={kube}"))
        .start();
    relay.wait_for_log(&format!("Kubernetes API {kube}"));
    assert_eq!(relay.stop(), 0);
}
