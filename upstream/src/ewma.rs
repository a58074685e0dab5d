//! How long an endpoint has taken of late: an average that believes bad news at once and good news slowly (the peak
//! EWMA of Finagle). Nobody knows how an endpoint does that is not asked, so that what is known of it fades.

use std::time::Duration;

use crate::stamp::Stamp;
use crate::sync::{AtomicU64, Ordering};

/// In so long an average forgets all but a third (1/e) of what it was, in seconds.
const DECAY: f32 = 10.0;

/// What is taken as measured when the clock saw no time pass.
const SHORTEST: f32 = 1e-6;

/// The average and when it was last written in one word; zero when nothing is measured.
#[derive(Debug, Default)]
pub(crate) struct Ewma(AtomicU64);

impl Ewma {
    /// The average in seconds, if there is one.
    pub(crate) fn read(&self, at: Stamp) -> Option<f32> {
        Measured::unpack(self.0.load(Ordering::Relaxed)).map(|known| known.faded(at))
    }

    /// An answer took so long.
    pub(crate) fn observe(&self, took: Duration, at: Stamp) {
        let took = took.as_secs_f32().max(SHORTEST);
        self.change(|known| match known {
            Some(known) => known.then(took, at),
            None => Some(Measured { average: took, at }),
        });
    }

    /// A call failed after so long. It may speak against the endpoint, never for it, however fast it was.
    pub(crate) fn observe_failure(&self, took: Duration, at: Stamp) {
        let took = took.as_secs_f32();
        self.change(|known| {
            let average = known?.average.max(took);
            Some(Measured { average, at })
        });
    }

    /// An answer takes at least so long: whoever waited for it left.
    pub(crate) fn at_least(&self, waited: Duration, at: Stamp) {
        let waited = waited.as_secs_f32().max(SHORTEST);
        self.change(|known| {
            let average = known.map_or(waited, |known| known.average.max(waited));
            Some(Measured { average, at })
        });
    }

    /// Nothing is known any more.
    pub(crate) fn forget(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    fn change(&self, next: impl Fn(Option<Measured>) -> Option<Measured>) {
        let mut seen = self.0.load(Ordering::Relaxed);
        while let Some(measured) = next(Measured::unpack(seen)) {
            let word = measured.at.beside(measured.average.to_bits());
            let swapped =
                (self.0).compare_exchange_weak(seen, word, Ordering::Relaxed, Ordering::Relaxed);
            match swapped {
                Ok(_) => return,
                Err(now) => seen = now,
            }
        }
    }
}

#[derive(Clone, Copy)]
struct Measured {
    average: f32,
    at: Stamp,
}

impl Measured {
    fn unpack(word: u64) -> Option<Self> {
        let (bits, at) = Stamp::apart(word);
        let average = f32::from_bits(bits);
        (average > 0.0).then_some(Self { average, at })
    }

    fn faded(self, at: Stamp) -> f32 {
        self.average * kept(at.since(self.at))
    }

    /// `None` when nothing changes: answers within one millisecond tell something new only when they are slower.
    fn then(self, took: f32, at: Stamp) -> Option<Self> {
        if took > self.average {
            return Some(Self { average: took, at });
        }
        let age = at.since(self.at);
        let kept = kept(age);
        let average = self.average * kept + took * (1.0 - kept);
        (!age.is_zero()).then_some(Self { average, at })
    }
}

fn kept(age: Duration) -> f32 {
    if age.is_zero() {
        1.0
    } else {
        (-age.as_secs_f32() / DECAY).exp()
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    struct Clock(Instant);

    impl Clock {
        fn at(&self, seconds: u64) -> Stamp {
            Stamp::new(self.0, self.0 + Duration::from_secs(seconds))
        }
    }

    fn millis(average: Option<f32>) -> f32 {
        average.unwrap() * 1000.0
    }

    #[test]
    fn a_slower_answer_counts_at_once_and_a_faster_one_with_time() {
        let (clock, ewma) = (Clock(Instant::now()), Ewma::default());
        assert_eq!(ewma.read(clock.at(0)), None);
        ewma.observe(Duration::from_millis(10), clock.at(0));
        ewma.observe(Duration::from_millis(500), clock.at(0));
        assert!((millis(ewma.read(clock.at(0))) - 500.0).abs() < 0.1);
        ewma.observe(Duration::from_millis(10), clock.at(0));
        assert!((millis(ewma.read(clock.at(0))) - 500.0).abs() < 0.1);
        ewma.observe(Duration::from_millis(10), clock.at(10));
        // A third of what it was, and two thirds of the news.
        assert!((millis(ewma.read(clock.at(10))) - 190.3).abs() < 0.1);
    }

    #[test]
    fn what_is_known_fades_when_nobody_asks() {
        let (clock, ewma) = (Clock(Instant::now()), Ewma::default());
        ewma.observe(Duration::from_millis(100), clock.at(0));
        assert!((millis(ewma.read(clock.at(10))) - 36.8).abs() < 0.1);
        assert!((millis(ewma.read(clock.at(20))) - 13.5).abs() < 0.1);
    }

    #[test]
    fn a_failure_speaks_never_for_an_endpoint() {
        let (clock, ewma) = (Clock(Instant::now()), Ewma::default());
        ewma.observe_failure(Duration::from_millis(1), clock.at(0));
        assert_eq!(ewma.read(clock.at(0)), None);
        ewma.observe(Duration::from_millis(100), clock.at(0));
        ewma.observe_failure(Duration::from_millis(1), clock.at(20));
        assert!((millis(ewma.read(clock.at(20))) - 100.0).abs() < 0.1);
        ewma.observe_failure(Duration::from_secs(2), clock.at(20));
        assert!((millis(ewma.read(clock.at(20))) - 2000.0).abs() < 0.1);
    }

    #[test]
    fn cores_do_not_lose_the_peak() {
        let (clock, ewma) = (Clock(Instant::now()), Ewma::default());
        std::thread::scope(|scope| {
            for core in 1..=4_u64 {
                let (ewma, at) = (&ewma, clock.at(0));
                scope.spawn(move || {
                    for n in 0..1000 {
                        ewma.observe(Duration::from_micros(core * 1000 + n), at);
                    }
                });
            }
        });
        assert!((millis(ewma.read(clock.at(0))) - 4.999).abs() < 0.001);
    }
}
