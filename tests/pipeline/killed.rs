//! SIGKILL at each step: it ends the same way.

use super::*;
use support::scene::effective;

/// When it is killed.
#[derive(Clone, Copy, Debug)]
enum At {
    /// This many patches were answered: one for development, one for staging, then those of production.
    Patch(usize),
    /// This path was asked, which is not well until then.
    Check(&'static str),
    /// It waits for its confirmation.
    Confirm,
}

/// Starts a promotion and kills the relay there. Returns the next one, which has the confirmation.
fn killed(world: &World, at: At) -> Relay {
    let relay = world.setup().start();
    if let At::Check(path) = at {
        world.site.break_path(path);
    }
    promotion("1").accepted(&relay);
    match at {
        At::Patch(number) if number > 2 => {
            waits(&relay, "1");
            confirm(&relay, "1");
            world.kube.wait_for_patches(number);
            return relay.restart();
        }
        At::Patch(number) => drop(world.kube.wait_for_patches(number)),
        At::Check(path) => world.site.wait_for(path),
        At::Confirm => waits(&relay, "1"),
    }
    let relay = relay.restart();
    world.site.break_path("");
    waits(&relay, "1");
    confirm(&relay, "1");
    relay
}

#[test]
fn killed_before_production_it_goes_on_and_does_nothing_twice() {
    for at in [At::Patch(1), At::Check("/dev"), At::Patch(2), At::Check("/staging"), At::Confirm] {
        let world = World::start();
        let relay = killed(&world, at);
        let (status, outcome, answer) = ended(&relay, &promotion("1"));
        assert_eq!((status, outcome.as_str()), (200, "succeeded"), "{at:?}: {answer}");
        assert_eq!(
            (world.asked(), effective(&world.kube).len()),
            (WAY.map(str::to_owned).to_vec(), 7),
            "{at:?}"
        );
        assert_eq!(world.tags(), ["tag"; 3].map(str::to_owned), "{at:?}");
    }
}

#[test]
fn killed_at_any_percentage_it_goes_on_there() {
    for number in 3..=7 {
        let world = World::start();
        let relay = killed(&world, At::Patch(number));
        let (status, outcome, answer) = ended(&relay, &promotion("1"));
        assert_eq!((status, outcome.as_str()), (200, "succeeded"), "{number}: {answer}");
        assert_eq!(
            (world.asked(), world.shown().as_str()),
            (WAY.map(str::to_owned).to_vec(), "00002=100"),
            "{number}"
        );
    }
}

#[test]
fn killed_anywhere_in_production_what_is_not_well_at_half_is_brought_back() {
    for number in 3..=6 {
        let world = World::start();
        world.site.ill_at.store(50, Ordering::SeqCst);
        let relay = killed(&world, At::Patch(number));
        let (status, outcome, answer) = ended(&relay, &promotion("1"));
        assert_eq!((status, outcome.as_str()), (424, "rolledBack"), "{number}: {answer}");
        assert_eq!(world.asked(), [WAY[0], WAY[1], WAY[2], WAY[0]], "{number}");
        assert_eq!(world.tags(), ["tag", "tag", "1"].map(str::to_owned), "{number}");
    }
}
