//! What `check` shows of a configuration that can be used.

use super::{KEY, bench, check_with};
use support::sign::hook_path;

/// The sample configuration of the design, as it stands there.
const SAMPLE: &str = r#"
version: 1
state: /var/lib/boathook          # the journal; without it work is kept in memory only, with a warning
kubernetes:
  api: http://localhost:8001      # kubectl proxy (default) | unix:///run/proxy/kube.sock | in-cluster | https://host:6443
  # for https: tokenFile, caFile, clientCertFile + clientKeyFile; all read again when they change
  fieldManager: boathook
flux:
  api: http://localhost:3030/api/flux
settle: 10s                       # after the last event for the same rule and subject, wait this long
maxWait: 60s                      # … but never longer than this after the first
retryFor: 1h                      # keep trying a target that is down or refuses, with growing jittered pauses
endpoints:
- name: ghcr
  source: GitHub
  keyPath: github.key             # or a list: old and new while a key is rotated; or keyEnv: WEBHOOK_SECRET
  rules:
  - when: {image: "ghcr.io/acme/web", tag: latest}
    do:
    - restart: {namespace: default, workloads: [deployment/web, statefulset/queue]}
  - when: {image: "ghcr.io/acme/*", tag: {semver: ">=1.2, <2"}}
    do:
    - setImage: {namespace: default, runningImage: true, rollout: {within: 5m, onFailure: rollback}}
- name: fleet
  source: GitLab
  keyPath: gitlab.key
  rules:
  - when: {repository: "acme/fleet", branch: main}
    do:
    - fluxNotify: {}
    - reconcile: {namespace: flux-system, kind: GitRepository, name: fleet}
"#;

#[test]
fn the_table_says_who_is_verified_how_and_what_follows() {
    let bench = bench();
    bench.write("gitlab.key", "a token of more than sixteen bytes");
    let ended = check_with(&bench, SAMPLE).expect(0);
    let expected = format!(
        "\
Kubernetes API  http://localhost:8001
Flux API        http://localhost:3030/api/flux

ghcr
  source    GitHub
  verified  X-Hub-Signature-256, HMAC-SHA256 of the body
  path      {}
  rule 1    when image ghcr.io/acme/web; tag latest
            do   restart deployment/web, statefulset/queue in default
  rule 2    when image ghcr.io/acme/*; tag semver >=1.2, <2
            do   set the image in every workload that runs the image in default

fleet
  source    GitLab
  verified  X-Gitlab-Token; with a whsec_ key webhook-signature, HMAC-SHA256 of id, time and body
  path      {}
  rule 1    when repository acme/fleet; branch main
            do   notify Flux v1
            do   reconcile GitRepository fleet in flux-system
",
        hook_path(KEY.as_bytes()),
        hook_path(b"a token of more than sixteen bytes"),
    );
    assert_eq!(ended.stdout, expected);
    assert_eq!(ended.stderr, "");
}

#[test]
fn the_way_of_traffic_is_told_in_one_line() {
    let bench = bench();
    let check = "check: {url: 'https://game.example.com/healthz', within: 45s}";
    let action = format!(
        "traffic: {{namespace: game, service: ksvc/game, image: '${{image}}:${{tag}}', steps: [10, 50, 100], every: 150s, \
         {check}, onFailure: rollback}}"
    );
    let ended = check_with(&bench, &super::endpoint("GitHub", &format!("  rules: [{{do: [{action}]}}]\n")));
    let line = "do   10 %, 50 %, 100 % of the traffic of ksvc/game in game to a new revision, each for 2m 30s, then checked: \
                https://game.example.com/healthz";
    let stdout = ended.expect(0).stdout;
    assert!(stdout.contains(line) && stdout.contains("; back if it fails\n"), "{stdout}");
}

#[test]
fn who_is_told_is_shown_without_what_is_secret() {
    let bench = bench();
    bench.write("slack.url", "https://hooks.slack.com/services/T0/B0/hidden\n");
    bench.write("notify.key", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    let notify = "notify:\n- {name: ops, urlPath: slack.url, format: slack, on: [failed, rolledBack], endpoints: a}\n\
                  - {url: 'https://user:hidden@ci.example.com:8443/hidden?hidden', keyPath: notify.key}\n";
    let ended = check_with(&bench, &super::endpoint("GitHub", &format!("  rules: []\n{notify}"))).expect(0);
    let expected = "
notify ops
  to        https://hooks.slack.com (slack)
  on        failed, rolledBack
  of        a
  signed    no

notify ci.example.com
  to        https://ci.example.com:8443 (cloudevents)
  on        succeeded, held, rolledBack, expired, failed
  signed    webhook-signature, Standard Webhooks
";
    assert!(ended.stdout.ends_with(expected), "{}", ended.stdout);
    for secret in ["hidden", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] {
        assert!(!ended.stdout.contains(secret) && !ended.stderr.contains(secret), "{ended:?}");
    }
}

#[test]
fn relative_names_start_at_the_configuration() {
    let bench = bench();
    bench.write("etc/github.key", KEY);
    bench.write("etc/c.yaml", super::endpoint("GitHub", "  rules: []\n"));
    bench.run(&["check", "etc/c.yaml"]).expect(0);
}

#[test]
fn what_is_limited_otherwise_than_usual_is_shown() {
    let lines = "  rate: {burst: 100, per: 1m}\n  allowFrom: [192.0.2.0/24, '2001:db8::1']\n  rules: []\n\
                 limits: {connections: 64, idleTime: 15s, waiting: 8, bodies: 32Mi, keepAlive: 90s}\n";
    let ended = check_with(&bench(), &super::endpoint("GitHub", lines)).expect(0);
    let limits = "\
limit           connections 64
limit           waiting 8
limit           keepAlive 90s
limit           bodies 32Mi
";
    assert!(ended.stdout.contains(limits), "{}", ended.stdout);
    assert_eq!(ended.stdout.matches("limit  ").count(), 4, "{}", ended.stdout);
    let endpoint = "  from      192.0.2.0/24, 2001:db8::1\n  rate      {burst: 100, per: 1m}\n";
    assert!(ended.stdout.contains(endpoint), "{}", ended.stdout);
}
