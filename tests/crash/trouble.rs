//! An API that fails at random: errors, cut connections before and after the change was made, silence, absence.

use super::dice::{Dice, pause};
use super::relays::Whereabouts;
use std::time::Duration;
use support::kube::{Double, Fault};

/// Makes trouble until it is over, and mends everything. Returns how often.
pub(super) fn make(kube: &Double, mut dice: Dice, whereabouts: &Whereabouts) -> usize {
    let mut count = 0;
    while !whereabouts.is_over() {
        pause(dice.up_to(500));
        one(kube, &mut dice);
        count += 1;
    }
    kube.clear_faults();
    count
}

fn one(kube: &Double, dice: &mut Dice) {
    let times = Some(1 + usize::try_from(dice.below(3)).unwrap());
    match dice.below(12) {
        0 => kube.fail_for(Fault::Status(500), "", "", times),
        1 => kube.fail_for(Fault::Status(503), "", "", times),
        2 => kube.fail_for(Fault::Status(504), "PATCH", "", times),
        3 => kube.fail_for(Fault::TooManyRequests(1), "", "", Some(1)),
        4 => kube.fail_for(Fault::Conflict, "PATCH", "", times),
        5 => kube.fail_for(Fault::ProxyUpstreamDown, "", "", times),
        6 => kube.fail_for(Fault::Close, "", "", times),
        7 => kube.fail_for(Fault::Close, "PATCH", "", times),
        8 => kube.fail_for(Fault::LoseAnswer, "PATCH", "", times),
        9 => kube.fail_for(Fault::CloseMidResponse, "PATCH", "", times),
        10 => {
            kube.fail(Fault::Hang);
            pause(dice.up_to(150));
            kube.clear_faults();
        }
        _ => {
            kube.stop();
            pause(Duration::from_millis(20) + dice.up_to(400));
            kube.restart_listener();
        }
    }
}
