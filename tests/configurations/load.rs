//! Every configuration of the repository is one that `check` takes.

use std::path::{Path, PathBuf};

use super::{BINARY, ready, secrets};
use support::command::Bench;

/// The driven ones; a new file in `config/` needs its line here and its test.
const DRIVEN: [(&str, &[&str]); 10] = [
    ("flux-v1.yaml", &["treat the URL as a secret", "treat the URL as a secret"]),
    ("flux-v2.yaml", &[]),
    ("ghcr-restart.yaml", &[]),
    ("gitlab-ci.yaml", &[]),
    ("gitlab-pipeline.yaml", &[]),
    ("knative-blue-green.yaml", &[]),
    ("manifests.yaml", &[]),
    ("notify.yaml", &[]),
    ("organization.yaml", &[]),
    ("quay-semver.yaml", &["Quay signs nothing"]),
];

/// The warnings of this configuration, which has no mistakes.
fn warnings(config: &str) -> Vec<String> {
    let bench = Bench::new(BINARY);
    bench.write("c.yaml", config);
    secrets(&bench, config);
    let ended = bench.run(&["check", "c.yaml"]).expect(0);
    assert!(ended.stdout.contains("/hook/"), "{}", ended.stdout);
    ended.stderr.lines().map(str::to_owned).collect()
}

pub(crate) fn yaml_files(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|path| path.extension().is_some_and(|e| e == "yaml")).collect();
    files.sort();
    files
}

#[test]
fn every_ready_configuration_is_driven_and_warns_of_what_it_should() {
    let files = yaml_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("config"));
    let names: Vec<_> = files.iter().map(|file| file.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, DRIVEN.map(|(name, _)| name));
    for (name, expected) in DRIVEN {
        let told = warnings(&ready(name));
        assert_eq!(told.len(), expected.len(), "{name}: {told:#?}");
        for (warning, part) in told.iter().zip(expected) {
            assert!(warning.contains(part), "{name}: {warning}");
        }
    }
}

#[test]
fn the_manifests_configurations_load() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("kustomization");
    let overlays = std::fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().path());
    let files: Vec<_> = overlays
        .flat_map(|overlay| ["config.yaml", "fluxrecv.yaml"].map(|name| overlay.join(name)))
        .filter(|file| file.exists())
        .collect();
    assert!(files.len() >= 3, "base, sidecar-example and flux-sidecar have one: {files:?}");
    for file in files {
        let told = warnings(&std::fs::read_to_string(&file).unwrap());
        assert!(told.is_empty(), "{}: {told:#?}", file.display());
    }
}
