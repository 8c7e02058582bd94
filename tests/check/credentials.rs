//! The files of an https API.

use rcgen::{CertificateParams, KeyPair};

use super::{bench, check_with, endpoint};
use support::command::Bench;

/// A certificate and its key, both in PEM.
fn pair() -> (String, String) {
    let key = KeyPair::generate().unwrap();
    (CertificateParams::new(["a".to_owned()]).unwrap().self_signed(&key).unwrap().pem(), key.serialize_pem())
}

fn with_files() -> Bench {
    let bench = bench();
    let ((ca, key), (_, other)) = (pair(), pair());
    bench.write("ca.pem", ca);
    bench.write("key.pem", key);
    bench.write("another.pem", other);
    bench.write("token", "a token\n".replace(' ', "-"));
    bench.write("empty", "\n");
    bench.write("text", "two words\nand lines\n");
    bench.write("broken.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    bench
}

fn kubernetes(api: &str, files: &str) -> String {
    endpoint("GitHub", &format!("  rules: []\nkubernetes: {{api: \"{api}\", {files}}}\n"))
}

#[test]
fn the_files_of_an_https_address_must_be_what_they_are_for() {
    let bench = with_files();
    let good = "caFile: ca.pem, tokenFile: token, clientCertFile: ca.pem, clientKeyFile: key.pem";
    check_with(&bench, &kubernetes("https://10.0.0.1:6443", good)).expect(0);
    for (files, told) in [
        ("caFile: none.pem", "kubernetes.caFile: none.pem cannot be read: No such file"),
        ("caFile: text", "kubernetes.caFile: text has no certificate in PEM"),
        ("caFile: key.pem", "kubernetes.caFile: key.pem has no certificate in PEM"),
        ("caFile: broken.pem", "kubernetes.caFile: broken.pem has a certificate that is not valid"),
        ("caFile: /dev/zero", "kubernetes.caFile: /dev/zero has more than"),
        ("caFile: ca.pem, tokenFile: none", "kubernetes.tokenFile: none cannot be read"),
        ("caFile: ca.pem, tokenFile: empty", "kubernetes.tokenFile: empty is empty"),
        ("caFile: ca.pem, tokenFile: text", "kubernetes.tokenFile: text is no bearer token"),
        (
            "caFile: ca.pem, clientCertFile: none, clientKeyFile: key.pem",
            "kubernetes.clientCertFile: none cannot be read",
        ),
        (
            "caFile: ca.pem, clientCertFile: ca.pem, clientKeyFile: text",
            "kubernetes.clientKeyFile: text has no private key in PEM",
        ),
        (
            "caFile: ca.pem, clientCertFile: ca.pem, clientKeyFile: another.pem",
            "kubernetes.clientCertFile: ca.pem and another.pem do not go together",
        ),
    ] {
        let ended = check_with(&bench, &kubernetes("https://10.0.0.1:6443", files)).expect(2);
        ended.tells(told).tells("1 mistake");
    }
}

#[test]
fn in_cluster_files_are_the_pods() {
    check_with(&bench(), &kubernetes("in-cluster", "tokenFile: none")).expect(0);
}
