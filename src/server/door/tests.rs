use super::*;

const ALL: usize = 3;

fn door() -> (Arc<Door>, Instant) {
    (Arc::new(Door::default()), Instant::now())
}

fn enter(door: &Arc<Door>, now: Instant) -> Admitted {
    let Entry::In(admitted) = door.enter(Most { all: ALL, of_client: None }, now) else { panic!("kept out") };
    admitted
}

/// Whether the connection was closed for another one.
fn closed(admitted: &Admitted) -> bool {
    admitted.door.places().place((admitted.place, &admitted.seat)).is_none()
}

fn later(now: Instant, millis: u64) -> Instant {
    now + Duration::from_millis(millis)
}

#[test]
fn the_oldest_that_has_sent_nothing_makes_room() {
    let (door, now) = door();
    let first = enter(&door, now);
    let second = enter(&door, later(now, 1));
    first.seat.does(Doing::Idle);
    let third = enter(&door, later(now, 2));
    let fourth = enter(&door, later(now, 10_000));
    assert!(closed(&second), "it is silent, and older than the other one");
    let fifth = enter(&door, later(now, 10_001));
    assert!(closed(&third));
    // The only silent ones have just come; who is idle makes room for them.
    let sixth = enter(&door, later(now, 10_002));
    assert!(closed(&first) && !closed(&fourth) && !closed(&fifth) && !closed(&sixth));
}

#[test]
fn of_those_that_have_just_come_the_oldest_makes_room() {
    let (door, now) = door();
    let all: Vec<_> = (0..4).map(|number| enter(&door, later(now, number))).collect();
    assert_eq!(all.iter().map(closed).collect::<Vec<_>>(), [true, false, false, false]);
}

#[test]
fn a_request_in_hand_is_never_given_up() {
    let (door, now) = door();
    let all: Vec<_> = (0..ALL).map(|_| enter(&door, now)).collect();
    for one in &all {
        one.seat.does(Doing::Busy);
    }
    let most = Most { all: ALL, of_client: None };
    assert!(matches!(door.enter(most, later(now, 60_000)), Entry::Full));
    all[1].answered(false);
    let Entry::In(_new) = door.enter(most, later(now, 60_000)) else { panic!("there is room") };
    assert_eq!(all.iter().map(closed).collect::<Vec<_>>(), [false, true, false]);
}

#[test]
fn a_client_has_its_own_number_and_gives_up_its_own() {
    let (door, now) = door();
    let one: IpAddr = "203.0.113.7".parse().unwrap();
    let most = |client| Most { all: 100, of_client: Some((client, 2)) };
    let enter = |client, at| door.enter(most(client), later(now, at));
    let other = enter("203.0.113.8".parse().unwrap(), 0);
    let Entry::In(first) = enter(one, 1) else { panic!() };
    let Entry::In(second) = enter(one, 2) else { panic!() };
    let Entry::In(third) = enter(one, 3) else { panic!() };
    assert!(closed(&first) && !closed(&second));
    let Entry::In(other) = other else { panic!() };
    assert!(!closed(&other));
    second.seat.does(Doing::Busy);
    third.seat.does(Doing::Busy);
    assert!(matches!(enter(one, 60_000), Entry::TooMany));
    drop(first);
    assert!(matches!(enter(one, 60_000), Entry::TooMany), "its place was given away before it ended");
    drop(second);
    assert!(matches!(enter(one, 60_000), Entry::In(_)));
}

#[test]
fn places_are_used_again() {
    let (door, now) = door();
    for _ in 0..1000 {
        drop(enter(&door, now));
    }
    assert_eq!(door.places().all.len(), 1);
    assert!(door.places().clients.is_empty() && door.places().taken() == 0);
}

#[test]
fn a_limit_that_was_lowered_holds_for_the_next() {
    let (door, now) = door();
    let all: Vec<_> = (0..ALL).map(|_| enter(&door, now)).collect();
    let Entry::In(_new) = door.enter(Most { all: 1, of_client: None }, now) else { panic!() };
    assert!(all.iter().all(closed));
    assert_eq!(door.places().taken(), 1);
}
