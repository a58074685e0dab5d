//! A second try beside the first, when that takes longer than nearly all others do (Dean and Barroso, "The Tail at
//! Scale", 2013). It is load that nobody needs, so there is a bound on it and no floor.

use std::future::Future;
use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chassis::telemetry::latency::{Latency, Sketch};
use http::Method;
use tokio::time::{Instant, timeout};

use crate::budget::Budget;
use crate::sync::{AtomicU32, AtomicU64, Ordering};

/// Latencies of the last turn count and of the one before.
const TURN: Duration = Duration::from_secs(5);

/// Of fewer nothing is concluded.
const SAMPLES: u64 = 50;

/// So large a share of the tries is faster than the wait for the second one.
const FASTER: f64 = 0.95;

/// How much of it there may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Second tries, as a share of the upstream's requests.
    pub budget: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { budget: 0.05 }
    }
}

/// How fast one upstream answers of late, and what came of second tries.
#[derive(Debug)]
pub struct Hedge {
    settings: Settings,
    began: Instant,
    latencies: Latency,
    turn: AtomicU32,
    /// Microseconds; zero where nothing is known.
    wait: AtomicU64,
    looks: Mutex<Looks>,
    made: AtomicU64,
    won: AtomicU64,
}

impl Hedge {
    /// Nothing is known yet.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            began: Instant::now(),
            latencies: Latency::default(),
            turn: AtomicU32::new(0),
            wait: AtomicU64::new(0),
            looks: Mutex::default(),
            made: AtomicU64::new(0),
            won: AtomicU64::new(0),
        }
    }

    /// A first try has had so long: until its head came, or until it was given up because the second one was faster.
    pub fn record(&self, took: Duration) {
        self.latencies.record(took);
    }

    /// How long to wait for the first try before there is a second one. `None` as long as too little is known, and for
    /// whatever changes something.
    pub fn wait(&self, method: &Method, now: Instant) -> Option<Duration> {
        if *method != Method::GET && *method != Method::HEAD {
            return None;
        }
        self.look(now);
        let micros = self.wait.load(Ordering::Relaxed);
        (micros > 0).then(|| Duration::from_micros(micros))
    }

    /// Whether there may be a second try now. Whoever is told so makes it.
    #[must_use]
    pub fn may_begin(&self, budget: &Budget, now: Instant) -> bool {
        let may = budget.withdraw_spare(now, self.settings.budget);
        if may {
            self.made.fetch_add(1, Ordering::Relaxed);
        }
        may
    }

    /// A second try was the faster one.
    pub fn won(&self) {
        self.won.fetch_add(1, Ordering::Relaxed);
    }

    /// How many second tries there were, and how many of them were the faster one.
    pub fn counted(&self) -> (u64, u64) {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (read(&self.made), read(&self.won))
    }

    /// Concludes once a turn; whoever comes first does it for all.
    fn look(&self, now: Instant) {
        let passed = now.saturating_duration_since(self.began).as_secs() / TURN.as_secs();
        let turn = u32::try_from(passed).unwrap_or(u32::MAX);
        let before = self.turn.load(Ordering::Relaxed);
        let is_mine = before < turn
            && self
                .turn
                .compare_exchange(before, turn, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        if !is_mine {
            return;
        }
        let mut sketch = Sketch::default();
        sketch.add(&self.latencies);
        let mut looks = self.looks.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = looks.next(sketch, turn - before).unwrap_or_default();
        let micros = u64::try_from(wait.as_micros()).unwrap_or(u64::MAX);
        self.wait.store(micros, Ordering::Relaxed);
    }
}

/// All that was recorded up to the end of the last turn, and of the one before.
#[derive(Debug, Default)]
struct Looks {
    earlier: Sketch,
    last: Sketch,
}

impl Looks {
    /// What is concluded from all that is recorded `now`, so many turns after the last look.
    fn next(&mut self, now: Sketch, turns: u32) -> Option<Duration> {
        let last = std::mem::replace(&mut self.last, now);
        let since = match turns {
            1 => std::mem::replace(&mut self.earlier, last),
            2 => last,
            // Whatever is new is older than what counts.
            _ => {
                self.earlier = self.last.clone();
                return None;
            }
        };
        if turns == 2 {
            self.earlier = self.last.clone();
        }
        let recent = self.last.since(&since);
        if recent.total() < SAMPLES {
            return None;
        }
        recent.quantile(FASTER)
    }
}

/// Which of two tries the answer is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Winner {
    /// The first.
    First,
    /// The second, made because the first took long.
    Second,
}

/// Waits for `first`; after `wait` also for what `second` begins, if it begins anything. The first that `is_good` wins
/// and the other one is dropped. When neither is, it is the one that came first.
pub async fn race<O, S: Future<Output = O>>(
    first: impl Future<Output = O>,
    wait: Duration,
    second: impl FnOnce() -> Option<S>,
    is_good: impl Fn(&O) -> bool,
) -> (O, Winner) {
    let mut first = pin!(first);
    if let Ok(output) = timeout(wait, &mut first).await {
        return (output, Winner::First);
    }
    let Some(second) = second() else {
        return (first.await, Winner::First);
    };
    let mut second = pin!(second);
    let (output, winner) = tokio::select! {
        biased;
        output = &mut first => (output, Winner::First),
        output = &mut second => (output, Winner::Second),
    };
    if is_good(&output) {
        return (output, winner);
    }
    let (other, late) = match winner {
        Winner::First => (second.await, Winner::Second),
        Winner::Second => (first.await, Winner::First),
    };
    if is_good(&other) {
        (other, late)
    } else {
        (output, winner)
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::sync::Arc;

    use tokio::time::{advance, sleep};

    use super::*;

    const fn ms(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    /// Nine of ten take 10 ms, one takes 100 ms.
    fn record(hedge: &Hedge, count: u64) {
        for n in 0..count {
            hedge.record(ms(if n % 10 == 9 { 100 } else { 10 }));
        }
    }

    fn wait(hedge: &Hedge) -> Option<u128> {
        let wait = hedge.wait(&Method::GET, Instant::now());
        wait.map(|wait| wait.as_millis())
    }

    #[tokio::test(start_paused = true)]
    async fn the_wait_is_what_nearly_all_tries_of_the_last_seconds_took_at_most() {
        let hedge = Hedge::new(Settings::default());
        record(&hedge, 100);
        assert_eq!(wait(&hedge), None);
        advance(TURN).await;
        assert!(matches!(wait(&hedge), Some(99..=101)));
        assert_eq!(hedge.wait(&Method::POST, Instant::now()), None);
        // Now it is faster; what was before counts for one more turn.
        (0..1000).for_each(|_| hedge.record(ms(5)));
        advance(TURN).await;
        assert!(matches!(wait(&hedge), Some(9..=10)));
        advance(TURN).await;
        assert!(matches!(wait(&hedge), Some(4..=5)));
        advance(TURN).await;
        assert_eq!(wait(&hedge), None);
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_concluded_from_few_or_from_what_is_long_ago() {
        let hedge = Hedge::new(Settings::default());
        record(&hedge, SAMPLES - 1);
        advance(TURN).await;
        assert_eq!(wait(&hedge), None);
        record(&hedge, 1);
        advance(TURN).await;
        assert!(wait(&hedge).is_some());
        record(&hedge, 1000);
        advance(TURN * 7).await;
        assert_eq!(wait(&hedge), None);
        record(&hedge, 100);
        advance(TURN * 2).await;
        assert!(wait(&hedge).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn one_of_twenty_requests_may_have_a_second_try() {
        let (hedge, budget) = (Hedge::new(Settings::default()), Budget::default());
        let now = Instant::now();
        assert!(!hedge.may_begin(&budget, now));
        (0..1000).for_each(|_| budget.deposit(now));
        let begun = (0..1000).filter(|_| hedge.may_begin(&budget, now));
        assert_eq!(begun.count(), 50);
        hedge.won();
        assert_eq!(hedge.counted(), (50, 1));
    }

    /// What comes of a try: after so long, a status.
    async fn answer(after: u64, status: u16) -> u16 {
        sleep(ms(after)).await;
        status
    }

    /// A race with a second try after 100 ms: what came of it, and when.
    async fn raced(first: (u64, u16), second: Option<(u64, u16)>) -> (u16, Winner, u128) {
        let began = Instant::now();
        let second = || second.map(|(after, status)| answer(after, status));
        let first = answer(first.0, first.1);
        let (status, winner) = race(first, ms(100), second, |status| *status < 500).await;
        (status, winner, began.elapsed().as_millis())
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_head_wins() {
        use Winner::{First, Second};
        assert_eq!(raced((50, 200), Some((0, 201))).await, (200, First, 50));
        assert_eq!(raced((900, 200), Some((30, 201))).await, (201, Second, 130));
        assert_eq!(raced((150, 200), Some((90, 201))).await, (200, First, 150));
        assert_eq!(raced((900, 200), None).await, (200, First, 900));
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_wins_only_over_another_one() {
        use Winner::{First, Second};
        assert_eq!(raced((900, 200), Some((0, 503))).await, (200, First, 900));
        assert_eq!(raced((120, 503), Some((90, 200))).await, (200, Second, 190));
        assert_eq!(raced((300, 502), Some((0, 503))).await, (503, Second, 300));
        assert_eq!(raced((50, 503), Some((0, 200))).await, (503, First, 50));
    }

    #[tokio::test(start_paused = true)]
    async fn the_slower_one_is_dropped_at_once() {
        let held = Arc::new(());
        let hang = {
            let held = Arc::clone(&held);
            async move {
                pending::<()>().await;
                Arc::strong_count(&held)
            }
        };
        let (status, winner) = race(hang, ms(100), || Some(async { 200 }), |_| true).await;
        assert_eq!((status, winner), (200, Winner::Second));
        assert_eq!(Arc::strong_count(&held), 1);
    }

    /// A multi-threaded caller spawns it.
    #[test]
    fn the_race_is_send_when_the_tries_are() {
        fn send<F: Send>(_: &F) {}
        send(&race(
            answer(1, 200),
            ms(1),
            || Some(answer(1, 200)),
            |_| true,
        ));
    }
}
