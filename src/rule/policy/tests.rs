//! What a policy decides: tables of what people expect, and the laws that an order must obey.

use proptest::prelude::*;

use super::*;

fn policy(json: &str) -> TagPolicy {
    serde_json::from_str(json).unwrap()
}

fn tags(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

const SEMVER: &str = r#"{"semver":">=1.2, <2"}"#;
const NUMERIC: &str = r#"{"regex":"^main-[0-9a-f]+-([0-9]+)$","newer":"numeric"}"#;

#[test]
fn of_several_tags_the_highest_or_the_last_is_taken() {
    for (json, offered, chosen) in [
        (SEMVER, &["1.10.0", "1.9.0", "latest", "2.0.0"][..], Some("1.10.0")),
        (SEMVER, &["1", "1.3", "1.3.0", "v1.3.0"], Some("v1.3.0")),
        (SEMVER, &["1.3.0-rc.1", "latest"], None),
        (r#"{"semver":">=1.2, <2","prerelease":true}"#, &["1.3.0-rc.10", "1.3.0-rc.9"], Some("1.3.0-rc.10")),
        (NUMERIC, &["main-a-9", "main-b-10", "main-c-x"], Some("main-b-10")),
        (r#"{"regex":"^main-"}"#, &["main-b", "main-a", "x"], Some("main-a")),
        (r#"["v*","main"]"#, &["main", "v1", "x"], Some("v1")),
        (r#""v*""#, &["x"], None),
        (SEMVER, &[], None),
    ] {
        assert_eq!(policy(json).choose(&tags(offered)), chosen, "{json} {offered:?}");
    }
}

#[test]
fn a_tag_is_compared_with_the_running_one() {
    use Comparison::{Newer, Older, Same};
    for (json, running, offered, expected) in [
        (SEMVER, "1.2.0", "1.3.0", Newer),
        (SEMVER, "1.3.0", "1.2.0", Older),
        (SEMVER, "v1.3.0", "1.3.0", Same),
        (SEMVER, "1.3", "1.3.0", Same),
        // A running version need not be in the range.
        (SEMVER, "1.1.0", "1.2.0", Newer),
        (SEMVER, "2.1.0", "1.2.0", Older),
        (SEMVER, "1.3.0-rc.1", "1.3.0", Newer),
        (NUMERIC, "main-a-9", "main-b-10", Newer),
        (NUMERIC, "main-a-9", "main-b-9", Same),
        (NUMERIC, "main-a-9", "main-b-08", Older),
        (r#""v*""#, "v2", "v1", Newer),
        (r#""v*""#, "v1", "v1", Same),
        (r#"{"regex":"^v"}"#, "latest", "v1", Newer),
    ] {
        assert_eq!(policy(json).compare(Some(running), offered), expected, "{json} {running} {offered}");
    }
}

#[test]
fn what_cannot_be_compared_is_left_alone_unless_the_rule_says_from_any() {
    let told = |json: &str, running, offered| match policy(json).compare(running, offered) {
        Comparison::NotComparable(why) => why,
        other => format!("{other:?}"),
    };
    let way_out = "; from: any in the rule's tag would replace it";
    assert_eq!(
        told(SEMVER, Some("latest"), "1.2.0"),
        format!("the running tag latest is not a version, and semver >=1.2, <2 compares versions{way_out}")
    );
    assert_eq!(
        told(SEMVER, None, "1.2.0"),
        format!("the running image has no tag that semver >=1.2, <2 can compare{way_out}")
    );
    assert!(told(NUMERIC, Some("latest"), "main-a-1").contains("latest does not match regex ^main-"));
    assert_eq!(told(SEMVER, Some("1.2.0"), "2.0.0"), "tag 2.0.0 is not in semver >=1.2, <2");
    let from_any = r#"{"semver":">=1.2, <2","from":"any"}"#;
    assert_eq!(policy(from_any).compare(Some("latest"), "1.2.0"), Comparison::Newer);
    assert_eq!(policy(from_any).compare(None, "1.2.0"), Comparison::Newer);
    // Not a way back to an older version, and no way out of the range.
    assert_eq!(policy(from_any).compare(Some("1.3.0"), "1.2.0"), Comparison::Older);
    assert!(matches!(policy(from_any).compare(Some("latest"), "2.0.0"), Comparison::NotComparable(_)));
}

#[test]
fn reasons_are_sentences() {
    for (json, offered, told) in [
        (SEMVER, &["latest"][..], "tag latest is not a version, and semver >=1.2, <2 wants one"),
        (SEMVER, &["2.0.0"], "tag 2.0.0 is not in semver >=1.2, <2"),
        (
            SEMVER,
            &["1.3.0-rc.1"],
            "tag 1.3.0-rc.1 is a pre-release, and semver >=1.2, <2 wants none; prerelease: true would take it",
        ),
        (
            SEMVER,
            &["a", "latest"],
            "none of the tags a, latest fits semver >=1.2, <2: latest is not a version, and semver >=1.2, <2 wants one",
        ),
        (r#""latest""#, &["v1"], "tag v1 is not latest"),
        (r#""v*""#, &["x"], "tag x does not match v*"),
        (r#"["v*","main"]"#, &["x"], "tag x matches none of v*, main"),
        (r#"{"regex":"^v"}"#, &["x"], "tag x does not match regex ^v"),
        (r#"{"regex":"^v\t"}"#, &["a\u{1b}"], r"tag a\u{1b} does not match regex ^v\t"),
        (r#""v*""#, &[], "there is no tag, and the rule wants v*"),
    ] {
        assert_eq!(policy(json).mismatch(&tags(offered)), told);
    }
    let many: Vec<String> = (0..1000).map(|n| format!("x{n}")).collect();
    let told = policy(r#""v*""#).mismatch(&many);
    assert_eq!(told, "none of the tags x0, x1, x2, x3, x4, … fits v*: x999 does not match v*");
}

fn any_policy() -> impl Strategy<Value = TagPolicy> {
    prop::sample::select(vec![
        r#"{"semver":"*"}"#,
        r#"{"semver":">=1.1, <3","prerelease":true}"#,
        r#"{"semver":"^1","from":"any"}"#,
        r#"{"regex":"^v?([0-9]+)","newer":"numeric"}"#,
        r#"{"regex":"([a-z]+)$","newer":"alphabetical"}"#,
    ])
    .prop_map(policy)
}

fn any_tag() -> impl Strategy<Value = String> {
    prop_oneof![
        "v?[0-3](\\.[0-3]){0,3}(-(rc|a)(\\.[0-9]{1,2})?)?",
        "v?[0-9]{1,40}",
        "[a-z]{1,3}",
        "[A-Za-z0-9_][A-Za-z0-9_.-]{0,8}"
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn the_choice_matches_and_nothing_offered_is_newer(policy in any_policy(), tags in prop::collection::vec(any_tag(), 0..8)) {
        match policy.choose(&tags) {
            Some(chosen) => {
                prop_assert!(policy.matches(chosen) && tags.iter().any(|tag| tag == chosen));
                for tag in &tags {
                    prop_assert!(policy.compare(Some(chosen), tag) != Comparison::Newer, "{} {}", chosen, tag);
                }
            }
            None => prop_assert!(!tags.iter().any(|tag| policy.matches(tag))),
        }
        prop_assert!(!policy.mismatch(&tags).is_empty());
    }

    #[test]
    fn the_choice_of_an_order_does_not_depend_on_the_list(
        policy in any_policy(),
        (tags, shuffled) in prop::collection::vec(any_tag(), 0..8)
            .prop_flat_map(|tags| (Just(tags.clone()), Just(tags).prop_shuffle())),
    ) {
        prop_assert_eq!(policy.choose(&tags), policy.choose(&shuffled));
    }

    #[test]
    fn comparing_is_an_order(policy in any_policy(), tags in prop::collection::vec(any_tag(), 40)) {
        let tags: Vec<&String> = tags.iter().filter(|tag| policy.matches(tag)).take(8).collect();
        for a in &tags {
            prop_assert_eq!(policy.compare(Some(a), a), Comparison::Same);
            for b in &tags {
                let (forth, back) = (policy.compare(Some(a), b), policy.compare(Some(b), a));
                let mirrored = match forth {
                    Comparison::Newer => Comparison::Older,
                    Comparison::Older => Comparison::Newer,
                    other => other,
                };
                prop_assert_eq!(&mirrored, &back, "{} {}", a, b);
                prop_assert!(!matches!(back, Comparison::NotComparable(_)));
                for c in &tags {
                    let rises = |x: &str, y: &str| matches!(policy.compare(Some(x), y), Comparison::Newer | Comparison::Same);
                    prop_assert!(!(rises(a, b) && rises(b, c)) || rises(a, c), "{} {} {}", a, b, c);
                }
            }
        }
    }

    #[test]
    fn nothing_panics(policy in any_policy(), running in "\\PC{0,12}", offered in "\\PC{0,12}") {
        let _ = (policy.compare(Some(&running), &offered), policy.mismatch(&[offered]));
    }
}
