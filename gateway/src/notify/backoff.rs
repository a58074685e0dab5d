//! What a try to deliver a message came to, and when the next one is.

use std::time::Duration;

use crate::store::outbox::Outcome;

/// The first pause; each is twice the one before.
const FIRST: Duration = Duration::from_secs(1);
/// The longest, whoever asks for more.
const LONGEST: Duration = Duration::from_mins(5);

/// What a receiver did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It answered.
    Status {
        /// With this status.
        status: u16,
        /// It wants to be left alone for so long.
        retry_after: Option<Duration>,
    },
    /// It did not: why.
    Nothing(String),
}

/// A try, as far as what follows hangs on it.
#[derive(Clone, Copy, Debug)]
pub struct Try {
    /// How many there were before.
    pub before: u32,
    /// Since when the message is tried.
    pub since: Duration,
    /// Now.
    pub now: Duration,
    /// After so long it is given up.
    pub give_up_after: Duration,
    /// From 0 to 1: receivers that come back are not asked by everybody at once.
    pub dice: f64,
}

/// What it came to.
pub fn outcome(answer: Answer, one: Try) -> Outcome {
    let (why, retry_after) = match answer {
        Answer::Status {
            status: 200..=299, ..
        } => return Outcome::Delivered,
        Answer::Status { status: 410, .. } => {
            let why = "answered 410: it wants no more messages".to_owned();
            return Outcome::Dead { why };
        }
        Answer::Status {
            status: status @ 300..=399,
            retry_after,
        } => (
            format!("answered {status}, and redirects are not followed"),
            retry_after,
        ),
        Answer::Status {
            status,
            retry_after,
        } => (format!("answered {status}"), retry_after),
        Answer::Nothing(why) => (why, None),
    };
    if one.now.saturating_sub(one.since) >= one.give_up_after {
        let why = format!(
            "{why}; given up after {} tries",
            one.before.saturating_add(1)
        );
        return Outcome::Dead { why };
    }
    let at = one.now + pause(one.before, one.dice, retry_after);
    Outcome::Again { at, why }
}

/// Half of it is certain, half is up to the dice.
fn pause(before: u32, dice: f64, retry_after: Option<Duration>) -> Duration {
    let doubled = 2_u32
        .checked_pow(before)
        .map(|times| FIRST.saturating_mul(times));
    let longest = doubled.unwrap_or(LONGEST).min(LONGEST);
    let own = longest / 2 + (longest / 2).mul_f64(dice.clamp(0.0, 1.0));
    own.max(retry_after.unwrap_or_default().min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const NOW: Duration = Duration::from_hours(500_000);

    fn one(before: u32, dice: f64) -> Try {
        Try {
            before,
            since: NOW,
            now: NOW,
            give_up_after: Duration::from_hours(1),
            dice,
        }
    }

    fn answered(status: u16) -> Answer {
        Answer::Status {
            status,
            retry_after: None,
        }
    }

    /// After how long it is tried again.
    fn again(answer: Answer, one: Try) -> Duration {
        match outcome(answer, one) {
            Outcome::Again { at, .. } => at.saturating_sub(one.now),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn pauses_double_up_to_five_minutes_and_are_never_all_the_same() {
        for (before, longest) in [(0, 1), (1, 2), (2, 4), (8, 256), (9, 300), (40, 300)] {
            let longest = SECOND * longest;
            assert_eq!(again(answered(500), one(before, 0.0)), longest / 2);
            assert_eq!(again(answered(500), one(before, 1.0)), longest);
        }
    }

    #[test]
    fn a_receiver_may_ask_for_a_longer_pause_up_to_the_longest() {
        for (asked, pause) in [(0, 1), (30, 30), (9_000, 300)] {
            let answer = Answer::Status {
                status: 429,
                retry_after: Some(SECOND * asked),
            };
            assert_eq!(again(answer, one(0, 1.0)), SECOND * pause);
        }
    }

    #[test]
    fn only_a_success_is_a_delivery_and_gone_is_the_end() {
        for status in [200, 202, 204, 299] {
            assert_eq!(outcome(answered(status), one(0, 0.0)), Outcome::Delivered);
        }
        for answer in [
            answered(302),
            answered(400),
            answered(500),
            Answer::Nothing("timed out".to_owned()),
        ] {
            again(answer, one(0, 0.0));
        }
        let gone = outcome(answered(410), one(0, 0.0));
        assert!(matches!(gone, Outcome::Dead { .. }), "{gone:?}");
    }

    #[test]
    fn what_could_not_be_delivered_for_long_enough_is_dead() {
        let late = Try {
            now: NOW + Duration::from_hours(1),
            ..one(16, 0.0)
        };
        let why = "answered 503; given up after 17 tries".to_owned();
        assert_eq!(outcome(answered(503), late), Outcome::Dead { why });
        assert_eq!(outcome(answered(200), late), Outcome::Delivered);
    }
}
