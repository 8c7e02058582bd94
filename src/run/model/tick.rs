//! Everything that can happen, in any order.

use proptest::prelude::*;

use super::relay::{Relay, Wish};
use super::senders::{Happened, Said};
use super::setup::RUNNING;
use super::work::Fate;

/// One thing that happens.
#[derive(Clone, Debug)]
pub(super) enum Tick {
    /// So many milliseconds pass.
    Time(i64),
    /// A delivery arrives that is about this.
    New(Happened),
    /// One of those that were sent arrives again.
    Again(usize, bool),
    /// One of those that were sent arrives under another id.
    Replayed(usize),
    /// A person wants one to be done again.
    Redeliver(usize),
    /// So many batches of writes land.
    Land(usize),
    /// The disk refuses to accept.
    Refuse,
    /// What is due is started, and so many pieces of work go on, each as fate has it.
    Work(Vec<(usize, Fate)>),
    /// Everything goes well for so many rounds.
    Well(usize),
    /// A person lifts holds.
    Lift(usize),
    /// Another image is pushed under a tag, or the cluster is mended.
    PushOver(usize),
    /// A person sets an image.
    Meddle(usize, bool),
    /// The process is killed after so many batches more.
    Kill(usize),
    /// The process is told to end, and another one begins.
    Stop(Vec<(usize, Fate)>),
}

/// Any of them.
pub(super) fn tick() -> impl Strategy<Value = Tick> {
    let which = any::<prop::sample::Index>().prop_map(|index| index.index(1 << 16));
    prop_oneof![
        6 => prop_oneof![4 => 0..2_000i64, 4 => 2_000..20_000i64, 2 => 20_000..400_000i64,
            1 => 400_000..4_000_000i64, 1 => Just(73 * 3600 * 1000)].prop_map(Tick::Time),
        12 => happened().prop_map(Tick::New),
        3 => (which.clone(), any::<bool>()).prop_map(|(which, asks)| Tick::Again(which, asks)),
        1 => which.clone().prop_map(Tick::Replayed),
        2 => which.clone().prop_map(Tick::Redeliver),
        6 => prop_oneof![1 => 1usize..3, 2 => Just(usize::MAX)].prop_map(Tick::Land),
        1 => Just(Tick::Refuse),
        12 => works().prop_map(Tick::Work),
        6 => (1usize..12).prop_map(Tick::Well),
        1 => which.clone().prop_map(Tick::Lift),
        1 => which.clone().prop_map(Tick::PushOver),
        1 => (which, any::<bool>()).prop_map(|(which, old)| Tick::Meddle(which, old)),
        2 => (0usize..4).prop_map(Tick::Kill),
        1 => works().prop_map(Tick::Stop),
    ]
}

fn happened() -> impl Strategy<Value = Happened> {
    prop_oneof![
        4 => (any::<u8>(), any::<bool>()).prop_map(|(minor, digest)| Happened::Web(minor, digest)),
        2 => any::<u8>().prop_map(Happened::Api),
        2 => Just(Happened::Side),
        3 => (any::<u8>(), any::<bool>()).prop_map(|(which, digest)| Happened::Page(which, digest)),
        3 => any::<u8>().prop_map(Happened::Tool),
        2 => (any::<u8>(), any::<bool>()).prop_map(|(which, digest)| Happened::Shop(which, digest)),
        1 => Just(Happened::Fleet),
    ]
}

fn works() -> impl Strategy<Value = Vec<(usize, Fate)>> {
    let fate = prop_oneof![
        12 => Just(Fate::Answered),
        3 => Just(Fate::Early),
        2 => Just(Fate::Refused),
        2 => Just(Fate::Lost),
        1 => Just(Fate::Forbidden),
    ];
    prop::collection::vec((0usize..64, fate), 1..12)
}

impl Relay {
    /// Something happens.
    pub(super) fn tick(&mut self, tick: Tick) {
        match tick {
            Tick::Time(passes) => {
                // No caller waits for days.
                if passes > 3_600_000 {
                    self.land(usize::MAX);
                }
                self.clock += passes;
            }
            Tick::New(happened) => {
                let said = Said::about(happened, self.sent.len());
                self.receive(said, Wish::Do);
            }
            Tick::Again(which, asks) => {
                if let Some(said) = self.one_sent(which) {
                    self.receive(said, if asks { Wish::Ask } else { Wish::Do });
                }
            }
            Tick::Replayed(which) => {
                if let Some(said) = self.one_sent(which) {
                    let said = said.replayed(self.sent.len());
                    self.receive(said, Wish::Do);
                }
            }
            Tick::Redeliver(which) => self.redeliver(which),
            Tick::Land(count) => self.land(count),
            Tick::Refuse => self.refuse(),
            Tick::Work(works) => {
                self.start();
                for (which, fate) in works {
                    self.work(which, fate);
                }
            }
            Tick::Well(rounds) => {
                for _ in 0..rounds {
                    self.round();
                }
            }
            Tick::Lift(which) => self.lift(which),
            Tick::PushOver(which) => self.cluster.push_over(which),
            Tick::Meddle(which, old) => {
                let (name, image) = RUNNING[which % RUNNING.len()];
                let other = format!("{}:0.9.0", image.rsplit_once(':').unwrap().0);
                self.meddle(name, if old { image } else { &other });
            }
            Tick::Kill(landing) => self.kill(landing),
            Tick::Stop(works) => self.stop(&works),
        }
    }

    fn one_sent(&self, which: usize) -> Option<Said> {
        self.sent.get(which % self.sent.len().max(1)).cloned()
    }

    /// One piece of work goes on.
    fn work(&mut self, which: usize, fate: Fate) {
        let hands = self.hands();
        if let Some(hand) = hands.get(which % hands.len().max(1)) {
            self.go_on(*hand, fate);
        }
    }

    /// Everything that can go on does, and goes well; false if nothing can.
    fn round(&mut self) -> bool {
        let lands = self.disk.under_way() > 0;
        self.land(usize::MAX);
        self.start();
        let hands = self.hands().len();
        for which in 0..hands {
            self.work(which, Fate::Answered);
        }
        lands || hands > 0
    }

    /// SIGTERM: nothing waits any longer, what cannot be done is left to the next process.
    fn stop(&mut self, works: &[(usize, Fate)]) {
        self.process.closing = true;
        self.process.queue.drain(self.now());
        let mut fates = works.iter().cycle();
        loop {
            self.land(usize::MAX);
            self.start();
            if self.hands().is_empty() {
                break;
            }
            let (which, fate) = fates.next().unwrap();
            self.work(*which, *fate);
        }
        assert!(self.process.workers.is_empty(), "{:?} cannot go on", self.process.workers);
        self.land(usize::MAX);
        self.judge.killed(self.disk.landed());
        self.begin();
    }

    /// From now on all goes well, until there is nothing to do.
    pub(super) fn come_to_rest(&mut self) {
        const ROUNDS: usize = 100_000;
        for _ in 0..ROUNDS {
            if self.round() {
                continue;
            }
            if self.process.workers.is_empty() && self.process.queue.next_due().is_none() {
                self.judge.all_has_ended(&self.disk, &self.process.queue);
                assert!(self.process.locks.are_free());
                return;
            }
            self.clock += 1_000;
        }
        panic!("it does not come to a rest: {:?}", self.process.workers);
    }
}
