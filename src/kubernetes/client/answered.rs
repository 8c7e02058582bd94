//! Whether the API answers, as the requests that are made anyway show it.

use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use crate::metrics::Api;

/// What the requests so far say.
#[derive(Debug, Default)]
pub(super) struct Answered(Mutex<Api>);

impl Answered {
    /// A request was answered by the API, or was not.
    pub(super) fn note(&self, up: bool) {
        let mut api = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        api.up = Some(up);
        if up {
            api.answered = Some(Timestamp::now());
        }
    }

    pub(super) fn read(&self) -> Api {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn take_over(&self, other: &Self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = other.read();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_request_says_whether_it_is_up_and_the_last_good_one_when_it_was() {
        let answered = Answered::default();
        assert_eq!(answered.read(), Api::default());
        answered.note(true);
        let at = answered.read().answered;
        answered.note(false);
        assert!(at.is_some());
        assert_eq!(answered.read(), Api { up: Some(false), answered: at });
    }
}
