//! What a configuration cannot say.

use std::fmt::Write as _;

use super::{bench, check, check_with, endpoint, rule};

/// The lines that begin with `error: `, without that.
fn errors(text: &str) -> Vec<String> {
    let ended = check(text).expect(2);
    assert_eq!(ended.stdout, "", "nothing is shown of what cannot be used");
    ended.stderr.lines().filter_map(|line| line.strip_prefix("error: ")).map(str::to_owned).collect()
}

/// The only error of this configuration contains these.
#[track_caller]
fn one(text: &str, told: &[&str]) {
    let errors = errors(text);
    assert_eq!(errors.len(), 1, "{text}: {errors:#?}");
    for part in told {
        assert!(errors[0].contains(part), "{text}: no {part:?} in {}", errors[0]);
    }
}

#[test]
fn every_mistake_is_told_at_once_with_its_place() {
    let text = "\
version: 1
setle: 5s
settle: 10
endpoints:
- name: a
  source: Github
  keyPath: github.key
- name: a
  source: GitHub
  keyPath: github.key
  rules:
  - when: {tag: 1.10}
    do: [{restat: {}}]
- name: c
  source: GitHub
  keyPath: none.key
";
    let expected = [
        "c.yaml:2:8: setle: is not a field here; did you mean settle?",
        "c.yaml:3:9: settle: must be a duration such as 250ms, 10s, 5m, 1h30m or 24h",
        "c.yaml:6:11: endpoints[0].source: \"Github\" is not a source; did you mean GitHub?",
        "c.yaml:8:9: endpoints[1].name: endpoints[0] has this name already: names are unique",
        "c.yaml:10:12: endpoints[1].keyPath: a has this key already, so both would have one path: give each its own (boathook keygen)",
        "c.yaml:12:17: endpoints[1].rules[0].when.tag: YAML reads 1.1 as a number, and 1.10 as 1.1: put the value in quotes",
        "c.yaml:13:19: endpoints[1].rules[0].do[0].restat: is not an action; did you mean restart?",
        "c.yaml:14:3: endpoints[2]: rules is missing: nothing would ever happen",
        "c.yaml:16:12: endpoints[2].keyPath: the key file none.key cannot be read: No such file or directory (os error 2): make it with `boathook keygen --out none.key`",
    ];
    let told = errors(text);
    for error in expected {
        assert!(told.iter().any(|line| line == error), "not told: {error}\ntold: {told:#?}");
    }
    // The rules of an endpoint whose source is not known are judged as well.
    assert_eq!(told.len(), expected.len() + 1, "{told:#?}");
    check(text).expect(2).tells("10 mistakes");
}

#[test]
fn versions_and_lists_must_be_there() {
    one("endpoints: []\nversion: 1\n", &["1:12: endpoints: is empty"]);
    one("version: 1\n", &["1:1: endpoints is missing"]);
    one(&endpoint("GitHub", "  rules: []\n").replace("version: 1", "version: 2"), &["version: must be 1"]);
    one(&endpoint("GitHub", "  rules: []\n").replace("version: 1", "settle: 1s"), &["version is missing"]);
    one(
        "version: 1\nfluxRecvVersion: 1\nendpoints:\n- source: GitHub\n  keyPath: github.key\n",
        &["version:", "one format"],
    );
}

#[test]
fn endpoints_have_names_sources_and_rules() {
    one(&endpoint("GitHub", "  rules: []\n").replace("name: a", "name: a b"), &["3:9", "endpoints[0].name"]);
    one(
        &endpoint("GitHub", "  rules: []\n").replace("- name: a\n", "-\n"),
        &["endpoints[0]: name is missing"],
    );
    one(&endpoint("[GitHub]", "  rules: []\n"), &["4:11", "is a list, where text is needed"]);
    one(&endpoint("GitHub", "  rules: restart\n"), &["6:10", "is text, where a list is needed"]);
    one(&endpoint("GitHub", "  rules: []\n  1: x\n"), &["a field whose name is not text"]);
    one("version: 1\nendpoints: [web]\n", &["2:13: endpoints[0]: is text, where fields are needed"]);
}

#[test]
fn durations_sizes_and_addresses_are_checked() {
    for bad in ["10", "5", "-1s", "1.5h", "soon", "[1s]", "1s1m", "99999999d"] {
        one(
            &endpoint("GitHub", &format!("  rules: []\nsettle: {bad}\n")),
            &["7:9: settle: must be a duration"],
        );
    }
    for bad in ["0", "-1", "1.5Mi", "1M", "1Gi"] {
        one(
            &endpoint("GitHub", &format!("  rules: []\n  maxBody: {bad}\n")),
            &["7:12", "maxBody: must be a size"],
        );
    }
    one(&endpoint("GitHub", "  rules: []\n  maxBody: 17Mi\n"), &["maxBody: must not be more than 16Mi"]);
    check(&endpoint("GitHub", "  rules: []\n  maxBody: 16Mi\n")).expect(0);
    for (api, told) in [
        ("ftp://x", "must be http://…, unix:///…, in-cluster or https://…"),
        ("unix://run/x", "absolute path"),
        ("https://10.0.0.1", "caFile is missing"),
        ("http://user:secret@x", "without user"),
    ] {
        one(
            &endpoint("GitHub", &format!("  rules: []\nkubernetes: {{api: \"{api}\"}}\n")),
            &["kubernetes", told],
        );
    }
    one(&endpoint("GitHub", "  rules: []\nflux: {api: fluxd}\n"), &["7:13: flux.api"]);
    one(&endpoint("GitHub", "  rules: []\nstate: journal\n"), &["7:8: state: must be an absolute path"]);
    let state = format!("  rules: []\nstate: /{}\n", "s".repeat(100));
    one(&endpoint("GitHub", &state), &["7:8: state: too long by 8 bytes: the path of the socket in it"]);
}

#[test]
fn rules_that_can_never_match_are_refused() {
    let act = "do: [{restart: {namespace: default, workloads: [deployment/web]}}]";
    for (when, told) in [
        ("{image: a/b, branch: main}", "when.branch: can never match"),
        ("{event: git, tag: latest}", "when.tag: can never match"),
        ("{event: deploy}", "can never match: GitHub tells of image and git and pipeline events"),
        ("{environment: production}", "this is for deploy events"),
        ("{event: imag}", "did you mean image?"),
        ("{event: []}", "is an empty list"),
        ("{tag: {regex: '('}}", "when.tag"),
        ("{tag: {semver: 'x.y'}}", "when.tag"),
        ("{tag: {semver: '>=1', regex: x}}", "when.tag"),
        ("{tag: latest, semver: '>=1'}", "when.semver: is not a field here"),
        ("{gitTag: [v1, 2]}", "when.gitTag[1]: YAML reads 2 as a number"),
        ("{image: ghcr.io/acme/web:latest}", "when.image"),
        ("{branch: refs/heads/main}", "write main"),
        ("!tag {branch: main}", "is a value with a YAML tag"),
    ] {
        one(&rule(&format!("when: {when}\n    {act}")), &["c.yaml:7:", "endpoints[0].rules[0]", told]);
    }
    let quay = endpoint("Quay", &format!("  rules:\n  - when: {{branch: main}}\n    {act}\n"));
    one(
        &quay,
        &[
            "7:11: endpoints[0].rules[0].when: can never match: Quay tells of image events, and this is for git or pipeline",
        ],
    );
}

#[test]
fn a_request_must_not_choose_its_image_alone() {
    let act = "do: [{setImage: {namespace: default, workloads: [\"deployment/web\"]}}]";
    let generic = |when: &str| endpoint("Generic", &format!("  rules:\n  - {when}{act}\n"));
    one(&generic(""), &["7:5: endpoints[0].rules[0]", "needs when.image"]);
    one(&generic("when: {environment: production}\n    "), &["needs when.image"]);
    assert_eq!(check(&generic("when: {image: ghcr.io/acme/web}\n    ")).code, 0);
}

/// A Generic endpoint with one rule of these filters, besides the image, and these actions.
fn deploys(when: &str, actions: &str) -> String {
    endpoint(
        "Generic",
        &format!("  rules:\n  - when: {{image: ghcr.io/acme/web{when}}}\n    do: [{actions}]\n"),
    )
}

#[test]
fn an_action_that_is_begun_is_told_what_it_needs() {
    for (action, needs) in [
        ("confirm", "for, or {} for their defaults"),
        ("check", "url"),
        ("setImage", "namespace and workloads"),
    ] {
        let told = format!("do[0].{action}: needs its fields, such as {needs}");
        one(&deploys("", &format!("{{{action}: }}")), &[&told]);
    }
}

#[test]
fn what_a_request_names_must_be_limited() {
    let free = "${workload} is whatever the request says: limit it with when.workload in this rule";
    let web = "setImage: {namespace: default, workloads: ['deployment/${workload}']}";
    for when in [
        "",
        ", workload: '*'",
        ", workload: '**'",
        ", workload: [web, '*']",
        ", workload: '??*'",
        ", namespace: a",
    ] {
        one(&deploys(when, web), &["endpoints[0].rules[0].do[0].setImage.workloads[0]: ", free]);
    }
    for when in [", workload: web", ", workload: 'web-*'", ", workload: [web, 'queue-?']"] {
        assert_eq!(check(&deploys(when, web)).code, 0, "{when}");
    }
    // Whatever action and field it stands in, the later ones of the list too.
    for (actions, place) in [
        (
            "restart: {namespaces: [shop, '${namespace}'], selector: app=web}",
            "do[0].restart.namespaces[1]: ${namespace} is",
        ),
        (
            "setImage: {namespace: shop, runningImage: true, container: 'x-${workload}'}",
            "do[0].setImage.container: ",
        ),
        (
            "{fluxNotify: {}}, {reconcile: {namespace: '${namespace}', kind: GitRepository, name: fleet}}",
            "do[1].reconcile.namespace: ${namespace} is",
        ),
    ] {
        one(&deploys("", actions), &[place, "limit it with when."]);
        assert_eq!(check(&deploys(", namespace: 'shop-*', workload: web", actions)).code, 0, "{actions}");
    }
    let both = "setImage: {namespace: '${namespace}', workloads: ['deployment/${workload}']}";
    assert_eq!(errors(&deploys("", both)).len(), 2);
    let literal = "setImage: {namespace: default, selector: 'a=b', container: '$${workload}'}";
    assert_eq!(check(&deploys("", literal)).code, 0, "a text that only looks like it");
}

#[test]
fn a_confirmation_stands_between_actions_of_deploy_requests() {
    let web = "setImage: {namespace: default, workloads: [deployment/web]}";
    assert_eq!(check(&deploys("", &format!("{{confirm: {{}}}}, {{{web}}}"))).code, 0);
    one(
        &deploys("", &format!("{{{web}}}, {{confirm: {{}}}}")),
        &["do[1].confirm: is the last action: it would confirm nothing"],
    );
    one(
        &rule(&format!("do: [{{confirm: {{}}}}, {{{web}}}]")),
        &["rules[0].do: confirm is for deploy requests, and GitHub sends none"],
    );
    one(
        &deploys("", &format!("{{confirm: {{for: 0}}}}, {{{web}}}")),
        &["confirm.for: must be more than nothing"],
    );
    one(&deploys(", event: image", &format!("{{confirm: {{}}}}, {{{web}}}")), &["can never match"]);
}

#[test]
fn actions_name_what_they_change() {
    for (action, told) in [
        ("restart", "is text, where an action and its fields are needed: `restart: {…}`"),
        ("{}", "must be one action"),
        ("{restart: {}, setImage: {}}", "must be one action"),
        ("{restart: }", "needs its fields"),
        ("{restart: {workloads: [deployment/web]}}", "namespace is missing"),
        ("{restart: {namespace: default}}", "no targets"),
        ("{restart: {namespace: default, workloads: [web]}}", "must be TYPE/NAME"),
        ("{restart: {namespace: default, workloads: [foo/web]}}", "known: cronjob, daemonset"),
        ("{restart: {namespace: default, workloads: [cronjob/web]}}", "a CronJob starts new pods by itself"),
        ("{restart: {namespace: default, workloads: [ksvc/web]}}", "has no restart"),
        ("{restart: {namespace: default, workloads: [deployment/Web]}}", "is not a Kubernetes name"),
        ("{restart: {namespace: Default, workloads: [deployment/web]}}", "restart.namespace"),
        ("{restart: {namespace: a, namespaces: [b], workloads: [deploy/web]}}", "use one of them"),
        ("{restart: {namespace: a, workloads: [deploy/web], runningImage: true}}", "exclude one another"),
        ("{restart: {namespace: a, selector: \"a in (\"}}", "restart.selector"),
        (
            "{restart: {namespace: a, workloads: [deploy/web], rollout: {onFailure: rollback}}}",
            "cannot be rolled back",
        ),
        ("{restart: {namespace: \"${nampespace}\", workloads: [deploy/web]}}", "did you mean namespace?"),
        ("{restart: {namespace: a, workloads: [\"deploy/${workload\"]}}", "has no closing }"),
        ("{setImage: {namespace: a, workloads: [deploy/web], from: all}}", "setImage.from"),
        ("{setImage: {namespace: a, workloads: [deploy/web], contaner: x}}", "did you mean container?"),
        ("{traffic: {namespace: a, service: deploy/b, steps: [100]}}", "only a Knative Service has traffic"),
        ("{traffic: {namespace: a, service: ksvc/b, steps: [10, 50]}}", "traffic.steps: must be a list"),
        ("{fluxNotify: {url: x}}", "fluxNotify.url: is not a field here"),
        ("{reconcile: {namespace: a, kind: GitRepositry, name: b}}", "did you mean GitRepository?"),
        ("{reconcile: {namespace: a, kind: Foo, name: b}}", "give apiVersion"),
        ("{notify: {}}", "is not an action"),
    ] {
        one(&rule(&format!("do: [{action}]")), &["c.yaml:7:", "endpoints[0].rules[0].do[0]", told]);
    }
    one(&rule("do: []"), &["7:9", "at least one action"]);
    one(&rule("when: {branch: main}"), &["7:5", "do is missing"]);
}

#[test]
fn an_action_that_needs_an_image_needs_an_event_with_one() {
    let rules =
        "  rules:\n  - when: {branch: main}\n    do:\n    - setImage: {namespace: a, runningImage: true}\n";
    one(&endpoint("GitHub", rules), &["9:17: endpoints[0].rules[0].do[0].setImage: needs an image"]);
    let rules = "  rules:\n  - do: [{restart: {namespace: a, runningImage: true}}]\n";
    one(&endpoint("GitLab", rules), &["do[0].restart: needs an image, and a git or pipeline event has none"]);
    assert_eq!(check(&endpoint("GitHub", rules)).code, 0, "GitHub tells of images too");
}

#[test]
fn names_from_the_file_cannot_forge_the_terminal() {
    let ended = check("version: 1\n\"\\e[2Jx\\nerror: y\": 1\nendpoints: []\n").expect(2);
    assert!(!ended.stderr.contains('\u{1b}') && !ended.stderr.contains("\nerror: y"), "{}", ended.stderr);
}

#[test]
fn ten_thousand_findings_do_not_take_minutes() {
    let bench = bench();
    let mut text = "version: 1\nendpoints:\n".to_owned();
    for i in 0..10_000 {
        write!(text, "- name: e{i}\n  source: Quay\n  keyPath: none-{i}.key\n  rules: []\n").unwrap();
    }
    let ended = check_with(&bench, &text).expect(2);
    ended
        .tells("c.yaml:5:12: endpoints[0].keyPath: ")
        .tells("endpoints[9999].keyPath: ")
        .tells("10000 mistakes");
}

#[test]
fn a_field_without_a_value_is_not_one_that_is_left_out() {
    let empty = |field: &str| format!("{field}: is empty: give a value or leave the field out");
    let restart = "restart: {namespace: default, workloads: [deployment/web]}";
    for (when, field) in [
        ("when: {image: ghcr.io/acme/web, tag: }", ".when.tag"),
        ("when: {tag: ~}", ".when.tag"),
        ("when:", ".when"),
        ("when: null", ".when"),
    ] {
        let text = rule(&format!("{when}\n    do: [{{{restart}}}]"));
        one(&text, &[&empty(&format!("endpoints[0].rules[0]{field}"))]);
    }
    for field in ["settle", "maxWait", "retryFor", "state", "kubernetes", "flux"] {
        one(&endpoint("GitHub", &format!("  rules: []\n{field}:\n")), &[&format!(": {}", empty(field))]);
    }
    for field in ["verify", "maxBody", "keyEnv"] {
        let text = endpoint("GitHub", &format!("  rules: []\n  {field}:\n"));
        let told = errors(&text);
        assert!(told.iter().any(|line| line.contains(&empty(&format!("endpoints[0].{field}")))), "{told:#?}");
    }
    one(&endpoint("GitHub", "  rules:\n"), &[&empty("endpoints[0].rules")]);
    one(&rule("do:"), &[&empty("endpoints[0].rules[0].do")]);
    one(&endpoint("GitHub", "  rules: []\n").replace("name: a", "name:"), &[&empty("endpoints[0].name")]);
    one(&endpoint("GitHub", "  rules: []\n").replace("github.key", ""), &[&empty("endpoints[0].keyPath")]);
    one("version: 1\nendpoints:\n", &[&empty("endpoints")]);
    one(&rule("do: [{restart: }]"), &["restart"]);
}

#[test]
fn an_action_without_fields_and_flux_recvs_empty_fields_are_taken() {
    check(&rule("do: [{fluxNotify: }]")).expect(0);
    check("fluxRecvVersion: 1\napi:\nendpoints:\n- source: GitHub\n  keyPath: github.key\n  registryHost:\n")
        .expect(0);
}

#[test]
fn an_unknown_source_does_not_hide_unknown_fields() {
    let told = errors(&endpoint("Github", "  rules: []\n  registryHost: a.example\n  maxBdy: 1Mi\n"));
    assert_eq!(told.len(), 2, "{told:#?}");
    assert!(
        told.iter().any(|line| line.contains("maxBdy: is not a field here; did you mean maxBody?")),
        "{told:#?}"
    );
}

#[test]
fn a_check_reaches_only_what_it_names_and_undoes_only_what_can_be_undone() {
    let check = |fields: &str| rule(&format!("do: [{{check: {{{fields}}}}}]"));
    one(
        &check("url: 'http://169.254.169.254/'"),
        &["check.url: its host is a link-local address", "add allowLocal: true"],
    );
    one(&check("url: 'http://localhost/'"), &["check.url: its host is this machine", "add allowLocal: true"]);
    one(
        &check("url: 'http://${tag}/', allowLocal: true"),
        &["check.allowLocal: is only for a URL whose host is written"],
    );
    one(&check("url: 'https://a:b@example.com/'"), &["check.url: has credentials before the host"]);
    one(&check("url: 'https://example.com:${tag}/'"), &["check.url: has the port \"${tag}\""]);
    one(
        &check("url: 'https://example.com', onFailure: rollback"),
        &["check.onFailure: no step before it can be put back"],
    );
    let set = "{setImage: {namespace: a, runningImage: true}}";
    let back = "{check: {url: 'https://example.com', onFailure: rollback}}";
    one(
        &rule(&format!("do: [{back}, {set}]")),
        &["do[0].check.onFailure: no step before it can be put back"],
    );
    assert_eq!(
        errors(&rule(&format!("do: [{{setImag: {{}}}}, {back}]"))).len(),
        1,
        "it may be what is meant"
    );
    check_with(&bench(), &rule(&format!("do: [{set}, {back}]"))).expect(0);
}

/// Limits, in a configuration that is right.
fn limits(text: &str) -> String {
    endpoint("GitHub", &format!("  rules: []\nlimits: {{{text}}}\n"))
}

#[test]
fn limits_have_bounds() {
    for (text, told) in [
        ("connections: 8", "limits.connections: must be a whole number from 16 to 16384"),
        ("connectionsPerClient: 0", "limits.connectionsPerClient: must be a whole number from 1 to 16384"),
        ("headerBytes: 4Ki", "limits.headerBytes: must be from 8Ki to 256Ki"),
        ("idleTime: 0", "limits.idleTime: must be from 1s to 1h"),
        ("headerTime: 10", "limits.headerTime: must be a duration such as"),
        ("bodyRate: 17Mi", "limits.bodyRate: must be from 1 to 16Mi"),
        ("bodies: 512Ki", "limits.bodies: must be from 1Mi to 1024Mi"),
        ("pendingRuns: 0", "limits.pendingRuns: must be a whole number from 1 to 65536"),
        ("refusals: {burst: 0, per: 1m}", "limits.refusals.burst: must be a whole number from 1 to 1000000"),
        ("refusals: {burst: 5, per: 2d}", "limits.refusals.per: must be from 1s to 24h"),
        ("refusals: {burst: 5}", "limits.refusals: per is missing: write {burst: 100, per: 1m}"),
        ("waiting: 1024", "limits.waiting: must be less than connections"),
        ("conections: 64", "limits.conections: is not a field here; did you mean connections?"),
    ] {
        one(&limits(text), &[told]);
    }
}

#[test]
fn bodies_and_rates_of_an_endpoint_have_bounds() {
    let of = |text: &str| endpoint("GitHub", &format!("  rules: []\n  {text}\n"));
    one(&of("maxBody: 17Mi"), &["endpoints[0].maxBody: must not be more than 16Mi", "(limits.bodies)"]);
    one(&of("maxBody: 3Mi\nlimits: {bodies: 2Mi}"), &["maxBody: must not be more than 2Mi"]);
    check(&of("maxBody: 17Mi\nlimits: {bodies: 32Mi}")).expect(0);
    one(&of("rate: {burst: 1, per: 10ms}"), &["endpoints[0].rate.per: must be from 1s to 24h"]);
    one(&of("rate: 5"), &["endpoints[0].rate: is a number, where fields are needed"]);
}

#[test]
fn ranges_of_addresses_are_told_as_they_should_be() {
    let of = |text: &str| endpoint("GitHub", &format!("  rules: []\n  {text}\n"));
    one(
        &of("allowFrom: 10.0.0.1/8"),
        &["allowFrom: 10.0.0.1/8 has bits behind its prefix: write 10.0.0.0/8"],
    );
    one(&of("allowFrom: []"), &["allowFrom: is an empty list"]);
    one(&of("allowFrom: [github.com]"), &["allowFrom: github.com is no address and no range such as"]);
    one(&of("allowFrom: ['::1/129']\ntrustedProxies: 127.0.0.1"), &["must be from 0 to 128"]);
    one(
        &of("allowFrom: '::1'\ntrustedProxies: [10.0.0.0/33]"),
        &["trustedProxies: 10.0.0.0/33: the length behind the /"],
    );
    one(
        &of("allowFrom: '::1'\ntrustedProxies: '::1'\nforwardedHeader: X-Real-IP"),
        &["\"X-Real-IP\" is not known"],
    );
}

#[test]
fn yaml_that_grows_or_nests_without_end_is_no_configuration() {
    let mut laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..40 {
        let before = format!("*a{}", level - 1);
        writeln!(laughs, "a{level}: &a{level} [{}]", [before.as_str(); 10].join(", ")).unwrap();
    }
    one(&laughs, &["this is not valid YAML: repetition limit exceeded"]);
    one(&format!("a: {}", "[".repeat(10_000)), &["this is not valid YAML"]);
    one(
        &format!("a: {}{}", "[".repeat(200), "]".repeat(200)),
        &["this is not valid YAML: recursion limit exceeded"],
    );
}
