//! Random deliveries, disks that fail and power failures, against a model of a few lines.

use proptest::collection::vec;
use proptest::prelude::*;
use tokio::sync::oneshot::{self, error::TryRecvError};

use super::super::faulty::{Fault, Faulty};
use super::super::{Table, Write};
use super::tests::{Records, contents, scribe};
use super::*;

/// Something that happens.
#[derive(Clone, Debug)]
enum Happening {
    /// Changes that wait at the same time: whether they are accepted or written, and the records.
    Changes(Vec<(bool, Vec<Write>)>),
    Fail(Fault, usize),
    Heal,
    Recover,
    /// Which of the last writes arrive is taken from the bits.
    PowerFailure(u64),
}

const FAULTS: [Fault; 6] =
    [Fault::Full, Fault::NoRoom, Fault::ShortWrite, Fault::Sync, Fault::Read, Fault::Panic];

fn happening() -> impl Strategy<Value = Happening> {
    let key = (prop::sample::select(&Table::ALL[..]), 0..6_u64);
    let value = prop::option::weighted(0.8, (any::<u8>(), 0..9_000_usize));
    let write = (key, value).prop_map(|((table, key), value)| {
        let value = value.map(|(byte, length)| vec![byte; length]);
        Write { table, key, value }
    });
    let changes = vec((any::<bool>(), vec(write, 1..4)), 1..5);
    let fault = prop::sample::select(&FAULTS[..]);
    prop_oneof![
        6 => changes.prop_map(Happening::Changes),
        2 => (fault, 0..30_usize).prop_map(|(fault, after)| Happening::Fail(fault, after)),
        2 => Just(Happening::Heal),
        2 => Just(Happening::Recover),
        1 => any::<u64>().prop_map(Happening::PowerFailure),
    ]
}

fn apply(records: &mut Records, writes: &[Write]) {
    for Write { table, key, value } in writes {
        match value {
            Some(value) => records.insert((*table, *key), value.clone()),
            None => records.remove(&(*table, *key)),
        };
    }
}

/// What must be true of the journal.
struct Model {
    disk: Faulty,
    scribe: Scribe<Faulty>,
    /// With everything that was accepted and written, and nothing that was refused.
    expected: Records,
    /// What may be found after a power failure: one of these.
    possible: Vec<Records>,
    /// Those who wait for their writes.
    landing: Vec<oneshot::Receiver<()>>,
}

impl Model {
    fn on(disk: Faulty) -> Self {
        let scribe = scribe(&disk);
        let expected = contents(&scribe).unwrap();
        let possible = vec![expected.clone()];
        Self { disk, scribe, expected, possible, landing: Vec::new() }
    }

    fn happens(&mut self, happening: Happening) {
        match happening {
            Happening::Changes(changes) => self.change(&changes),
            Happening::Fail(fault, after) => self.disk.fail(fault, after),
            Happening::Heal => self.disk.heal(),
            Happening::Recover => self.recover(),
            Happening::PowerFailure(bits) => self.power_fails(bits),
        }
    }

    fn change(&mut self, changes: &[(bool, Vec<Write>)]) {
        let worked = self.works();
        let mut whole = self.expected.clone();
        let (mut requests, mut accepts) = (Vec::new(), Vec::new());
        for (accepted, writes) in changes {
            apply(&mut whole, writes);
            if *accepted {
                let (answer, answered) = oneshot::channel();
                accepts.push(answered);
                requests.push(Change::Accept { writes: writes.clone(), answer });
            } else {
                let (landed, landing) = oneshot::channel();
                self.landing.push(landing);
                requests.push(Change::Write { writes: writes.clone(), landed });
            }
        }
        self.scribe.change(&mut requests);
        let answers = accepts.into_iter().map(|mut answered| answered.try_recv().unwrap().is_ok());
        assert!(answers.into_iter().all(|accepted| accepted == self.works()), "all or none, and at once");
        if self.works() {
            self.expected = whole;
            self.lands();
            return;
        }
        if worked {
            // It may have arrived before it failed.
            self.possible.push(whole);
        }
        changes
            .iter()
            .filter(|(accepted, _)| !accepted)
            .for_each(|(_, writes)| apply(&mut self.expected, writes));
    }

    fn recover(&mut self) {
        self.scribe.recover();
        self.possible.push(self.expected.clone());
        // What is owed may be on the disk though the disk is full right after.
        let waited = self.landing.len();
        self.landing.retain_mut(|landing| landing.try_recv() != Ok(()));
        if self.works() || self.landing.len() < waited {
            self.lands();
        }
    }

    /// Everything is on the disk, and known to be.
    fn lands(&mut self) {
        self.possible = vec![self.expected.clone()];
        self.landing.retain_mut(|landing| landing.try_recv() != Ok(()));
        assert!(self.landing.is_empty(), "all of them know");
    }

    fn power_fails(&mut self, mut bits: u64) {
        let disk = self.disk.after_power_failure(|| {
            bits = bits.rotate_left(1);
            bits & 1 == 1
        });
        let possible = mem::take(&mut self.possible);
        *self = Self::on(disk);
        assert!(possible.contains(&self.expected), "{:?} is none of {possible:?}", self.expected);
    }

    fn works(&self) -> bool {
        matches!(self.scribe.state, State::Working(_))
    }

    fn check(&mut self) {
        let trouble = self.scribe.trouble.lock().unwrap().is_some();
        assert_eq!(trouble, !self.works());
        assert!(self.disk.set_aside().is_empty(), "{:?}", self.disk.set_aside());
        // Who waits for what is not on the disk still waits.
        assert!(self.landing.iter_mut().all(|landing| landing.try_recv() == Err(TryRecvError::Empty)));
        if self.works()
            && let Ok(contents) = contents(&self.scribe)
        {
            assert_eq!(contents, self.expected);
        }
    }
}

proptest! {
    #[test]
    fn nothing_accepted_is_lost_and_nothing_refused_comes_back(happenings in vec(happening(), 1..40)) {
        let mut model = Model::on(Faulty::default());
        for happening in happenings {
            model.happens(happening);
            model.check();
        }
        // In the end the disk works, and everything is there.
        model.disk.heal();
        model.recover();
        model.change(&[(true, vec![Write { table: Table::Pending, key: 100, value: Some(vec![1]) }])]);
        if !model.works() {
            // A page that could not be read before is found out about now.
            model.recover();
        }
        prop_assert!(model.works());
        model.check();
        model.power_fails(0);
    }
}
