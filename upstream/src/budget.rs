//! How many tries may come on top of the requests themselves, so that retries never become a storm (Google's SRE book,
//! chapter 21; Finagle's `RetryBudget`).

use std::time::Duration;

use tokio::time::Instant;

use crate::window::Counted;

/// Requests of the last ten seconds count.
const SECONDS: usize = 10;

/// So many retries a second are there whatever the share, so that a rarely asked upstream has some too.
const FLOOR: u64 = 3 * SECONDS as u64;

/// One upstream's budget. It stays when the file is reloaded.
#[derive(Debug)]
pub struct Budget {
    began: Instant,
    requests: Counted<SECONDS>,
    retries: Counted<SECONDS>,
}

/// A budget as seen from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    /// Requests that came.
    pub requests: u64,
    /// Tries that came on top.
    pub retries: u64,
    /// How many more may.
    pub left: u64,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            requests: Counted::default(),
            retries: Counted::default(),
        }
    }
}

impl Budget {
    /// A request came.
    pub fn deposit(&self, now: Instant) {
        self.requests.add(self.tick(now));
    }

    /// One more try, if retries are below `share` of the requests, plus the floor.
    #[must_use]
    pub fn withdraw(&self, now: Instant, share: f64) -> bool {
        self.take(now, share, FLOOR)
    }

    /// Whether one more try would be let through now.
    #[must_use]
    pub fn has_some(&self, now: Instant, share: f64) -> bool {
        let tick = self.tick(now);
        self.retries.sum(tick) < part(self.requests.sum(tick), share) + FLOOR
    }

    /// As [`withdraw`](Self::withdraw), without a floor: for load that nobody needs.
    #[must_use]
    pub fn withdraw_spare(&self, now: Instant, share: f64) -> bool {
        self.take(now, share, 0)
    }

    /// Requests and retries of the last [`Budget::WINDOW`], and how many more retries a share of `share` leaves.
    pub fn view(&self, now: Instant, share: f64) -> View {
        let tick = self.tick(now);
        let (requests, retries) = (self.requests.sum(tick), self.retries.sum(tick));
        View {
            requests,
            retries,
            left: (part(requests, share) + FLOOR).saturating_sub(retries),
        }
    }

    fn take(&self, now: Instant, share: f64, floor: u64) -> bool {
        let tick = self.tick(now);
        // Counted first and looked at then: cores that come together never take more than there is.
        self.retries.add(tick);
        let allowed = part(self.requests.sum(tick), share) + floor;
        let fits = self.retries.sum(tick) <= allowed;
        if !fits {
            self.retries.take_back(tick);
        }
        fits
    }

    fn tick(&self, now: Instant) -> u32 {
        let passed = now.saturating_duration_since(self.began);
        // A tick of zero is an empty slot's.
        u32::try_from(passed.as_secs()).unwrap_or(u32::MAX - 1) + 1
    }

    /// Over how long requests count.
    pub const WINDOW: Duration = Duration::from_secs(SECONDS as u64);
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "a share between 0 and 1 of a count"
)]
fn part(requests: u64, share: f64) -> u64 {
    (requests as f64 * share) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(budget: &Budget, now: Instant, share: f64) -> usize {
        (0..10_000)
            .take_while(|_| budget.withdraw(now, share))
            .count()
    }

    #[tokio::test(start_paused = true)]
    async fn a_fifth_and_a_floor_over_ten_seconds() {
        let budget = Budget::default();
        let now = Instant::now();
        assert_eq!(taken(&budget, now, 0.2), 30);
        for _ in 0..1000 {
            budget.deposit(now);
        }
        assert_eq!(taken(&budget, now, 0.2), 200);
        let spent = View {
            requests: 1000,
            retries: 230,
            left: 0,
        };
        assert_eq!(budget.view(now, 0.2), spent);
        let later = now + Budget::WINDOW;
        assert_eq!(budget.view(later, 0.2).left, 30);
        assert_eq!(taken(&budget, later, 0.2), 30);
    }

    #[tokio::test(start_paused = true)]
    async fn spare_load_has_no_floor_and_a_share_of_zero_nothing() {
        let budget = Budget::default();
        let now = Instant::now();
        assert!(!budget.withdraw_spare(now, 0.05));
        for _ in 0..40 {
            budget.deposit(now);
        }
        assert!(budget.withdraw_spare(now, 0.05));
        assert!(budget.withdraw_spare(now, 0.05));
        assert!(!budget.withdraw_spare(now, 0.05));
        assert_eq!(taken(&budget, now, 0.0), 28);
    }

    #[tokio::test(start_paused = true)]
    async fn cores_that_come_together_take_no_more_than_there_is() {
        let budget = Budget::default();
        let now = Instant::now();
        let taken: usize = std::thread::scope(|scope| {
            let cores: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| (0..100).filter(|_| budget.withdraw(now, 0.0)).count()))
                .collect();
            cores.into_iter().map(|core| core.join().unwrap()).sum()
        });
        assert!((20..=30).contains(&taken), "{taken}");
    }
}
