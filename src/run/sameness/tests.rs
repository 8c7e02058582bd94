use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

fn keys(identity: &Identity, body: &[u8]) -> Keys {
    Keys::new("ghcr", identity, body, true)
}

#[test]
fn an_unsigned_id_does_not_make_a_replayed_body_new() {
    let mut seen = Deliveries::default();
    let first = keys(&Identity::IdOrBody("1".into()), b"body");
    let number = seen.remember(first, vec![], at(0));
    seen.end(number, true, 0, at(0));
    assert!(seen.same(&keys(&Identity::IdOrBody("2".into()), b"body"), at(1), |_| false).is_some());
    assert!(seen.same(&keys(&Identity::IdOrBody("1".into()), b"other"), at(1), |_| false).is_some());
    assert!(seen.same(&keys(&Identity::IdOrBody("2".into()), b"other"), at(1), |_| false).is_none());
    assert!(
        seen.same(&keys(&Identity::Id("body".into()), b""), at(1), |_| false).is_none(),
        "an id is no body"
    );
    let elsewhere = Keys::new("other", &Identity::IdOrBody("1".into()), b"body", true);
    assert!(seen.same(&elsewhere, at(1), |_| false).is_none(), "another endpoint");
}

#[test]
fn what_failed_runs_again_and_what_looks_alike_is_the_same_only_while_pending() {
    let mut seen = Deliveries::default();
    let id = Identity::Id("1".into());
    let number = seen.remember(keys(&id, b""), vec![], at(0));
    assert!(seen.same(&keys(&id, b""), at(0), |_| false).is_some());
    seen.end(number, false, 0, at(0));
    assert!(seen.same(&keys(&id, b""), at(0), |_| false).is_none());
    let asking = keys(&id, b"").asking(true);
    assert!(seen.same(&asking, at(0), |_| false).is_some(), "who asks for the end does not begin it again");

    let quay = Identity::BodyWhilePending;
    let number = seen.remember(keys(&quay, b"b"), vec![RunId(7)], at(0));
    assert!(seen.same(&keys(&quay, b"b"), at(0), |_| false).is_some());
    let changing = |run| run == RunId(7);
    assert!(seen.same(&keys(&quay, b"b"), at(0), changing).is_none(), "it may not be in what runs");
    seen.end(number, true, 0, at(0));
    assert!(seen.same(&keys(&quay, b"b"), at(0), |_| false).is_none());
}

#[test]
fn memory_is_bounded_in_time_and_number() {
    let mut seen = Deliveries::default();
    let key = |i: usize| keys(&Identity::Id(i.to_string()), b"");
    for i in 0..=LIMIT {
        let number = seen.remember(key(i), vec![RunId(i as u64)], at(0));
        let forgotten = seen.end(number, true, 0, at(0));
        assert_eq!(forgotten, if i < LIMIT { vec![] } else { vec![Seen(0)] });
    }
    assert!(seen.same(&key(0), at(0), |_| false).is_none(), "the oldest went");
    assert!(seen.same(&key(1), at(0), |_| false).is_some());
    assert!(seen.same(&key(1), at(72 * 3600), |_| false).is_none(), "three days are over");
    let number = seen.remember(key(0), vec![], at(72 * 3600));
    let forgotten = seen.end(number, true, 1, at(72 * 3600));
    assert_eq!(forgotten.len(), LIMIT);
    assert_eq!((seen.by_mark.len(), seen.memories.len(), seen.ended.len()), (1, 1, 1));
    let next = seen.remember(key(1), vec![], at(72 * 3600));
    assert_eq!(seen.end(next, true, LIMIT_BYTES, at(72 * 3600)), [number], "too much in bytes");
}

#[test]
fn a_hold_knows_a_delivery_whatever_its_unsigned_id_and_takes_no_other_push_for_it() {
    let mark = |identity: Identity| keys(&identity, b"body").mark();
    assert_eq!(mark(Identity::IdOrBody("1".into())), mark(Identity::IdOrBody("2".into())));
    assert_ne!(mark(Identity::Id("1".into())), mark(Identity::Id("2".into())));
    assert_eq!(mark(Identity::Body), mark(Identity::IdOrBody("1".into())));
    assert_eq!(mark(Identity::BodyWhilePending), "");
    assert_eq!(mark(Identity::Unknown), "");
}

#[test]
fn what_is_carried_out_again_on_purpose_waits_for_its_end_only() {
    let mut seen = Deliveries::default();
    let id = keys(&Identity::Id("1".into()), b"");
    let number = seen.remember(id.clone(), vec![], at(0));
    assert!(seen.same(&id.clone().again(), at(0), |_| true).is_some(), "it is under way");
    seen.end(number, true, 0, at(0));
    assert!(seen.same(&id.clone().again(), at(0), |_| false).is_none());
    let kept = serde_json::to_string(&id).unwrap();
    assert_eq!(serde_json::from_str::<Keys>(&kept).unwrap(), id);
    assert_eq!(id.mark().len(), 32);
}

#[test]
fn a_redelivery_that_cannot_be_made_safe_leaves_the_first_as_it_was() {
    let mut seen = Deliveries::default();
    let id = keys(&Identity::IdOrBody("1".into()), b"body");
    let first = seen.remember(id.clone(), vec![], at(0));
    seen.end(first, true, 0, at(0));
    let again = seen.remember(id.clone().again(), vec![RunId(2)], at(1));
    assert_eq!(seen.cancel(again), [RunId(2)]);
    assert_eq!(seen.same(&id, at(2), |_| false), Some(first));
    let other = seen.remember(keys(&Identity::Id("2".into()), b""), vec![], at(2));
    seen.cancel(other);
    assert_eq!(seen.same(&keys(&Identity::Id("2".into()), b""), at(2), |_| false), None);
}
