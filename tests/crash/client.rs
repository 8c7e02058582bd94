//! One client: sends deliveries about its workload, each once, and keeps what was answered.

use super::dice::{Dice, pause};
use super::jobs::Job;
use super::relays::Whereabouts;
use jiff::Timestamp;
use support::delivery::Delivery;
use support::http::{Connection, Response};

/// A client and what it has sent, in order.
pub(super) struct Client {
    pub(super) name: &'static str,
    pub(super) job: Job,
    pub(super) sent: Vec<Sent>,
    /// Deliveries that were answered 503.
    pub(super) refused: usize,
    /// Deliveries that found nobody listening.
    pub(super) unheard: usize,
}

/// A delivery that may have been accepted.
pub(super) struct Sent {
    pub(super) id: String,
    pub(super) tag: String,
    pub(super) delivery: Delivery,
    /// When it was about to be sent.
    pub(super) at: Timestamp,
    /// The run that was accepted; none without an answer.
    pub(super) run: Option<String>,
}

impl Client {
    pub(super) fn new(name: &'static str, job: Job) -> Self {
        Self { name, job, sent: Vec::new(), refused: 0, unheard: 0 }
    }

    /// Sends until it is over. What gets no answer is not sent again.
    pub(super) fn work(mut self, mut dice: Dice, whereabouts: &Whereabouts) -> Self {
        while let Some(address) = whereabouts.get() {
            self.send_one(&mut dice, &address);
            pause(dice.up_to(200));
        }
        self
    }

    fn send_one(&mut self, dice: &mut Dice, address: &str) {
        let (id, tag, delivery) = self.job.delivery(self.name, dice);
        let at = Timestamp::now();
        let Ok(mut connection) = Connection::open(address) else {
            self.unheard += 1;
            return;
        };
        let answer = connection.write(&delivery.bytes()).and_then(|()| connection.read_response());
        let run = match answer {
            Ok(answer) if answer.status == 503 => {
                self.refused += 1;
                return;
            }
            Ok(answer) => Some(accepted(&answer)),
            Err(_) => None,
        };
        self.sent.push(Sent { id, tag, delivery, at, run });
    }
}

/// The run of a 202.
fn accepted(answer: &Response) -> String {
    assert_eq!(answer.status, 202, "{}", answer.text());
    answer.json()["runs"][0]["id"].as_str().unwrap().to_owned()
}
