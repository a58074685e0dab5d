//! When an endpoint that fails in a row is left out, and for how long: passive health.

use std::time::Duration;

use tokio::time::Instant;

use crate::stamp::Stamp;
use crate::sync::{AtomicU64, Ordering};

/// Nobody is out for longer, unless `base` alone is more.
const LONGEST: Duration = Duration::from_mins(5);

/// As written: `[upstream.NAME.ejection]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// So many failures in a row, 5xx or no answer, put an endpoint out; 0 is never.
    pub consecutive_5xx: u32,
    /// A row ends after so long without another failure. Each such time in use takes one off how often an endpoint was
    /// put out.
    pub interval: Duration,
    /// How long it is out, times how often it was.
    pub base: Duration,
    /// No more are put out once so many hundredths are. One always stays.
    pub max_percent: u8,
    /// When fewer hundredths are well, all are asked: then it is not they who are ill.
    pub panic_below: u8,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            consecutive_5xx: 5,
            interval: Duration::from_secs(10),
            base: Duration::from_secs(30),
            max_percent: 50,
            panic_below: 50,
        }
    }
}

impl Settings {
    /// How long an endpoint is out that is put out for the `times`th time.
    fn out_for(&self, times: u32) -> Duration {
        self.base.saturating_mul(times).min(LONGEST.max(self.base))
    }

    /// Whether one of `endpoints` may be put out, when `out` of them are already and `others` stay that can be asked.
    pub(crate) fn may_eject(&self, endpoints: usize, out: usize, others: usize) -> bool {
        others > 0 && out * 100 < usize::from(self.max_percent) * endpoints
    }

    /// Whether all are asked, ill or not, when so few of `endpoints` are well.
    pub(crate) fn is_panic(&self, endpoints: usize, well: usize) -> bool {
        well * 100 < usize::from(self.panic_below) * endpoints
    }
}

/// How many failures an endpoint has had since its last success. Zero when it has had none.
#[derive(Debug, Default)]
pub(crate) struct Row(AtomicU64);

impl Row {
    /// One more. How many in all, if none of them was `interval` after the one before.
    pub(crate) fn failed(&self, at: Stamp, interval: Duration) -> u32 {
        let mut seen = self.0.load(Ordering::Relaxed);
        loop {
            let (count, last) = Stamp::apart(seen);
            let goes_on = count > 0 && at.since(last) < interval;
            let count = if goes_on { count.saturating_add(1) } else { 1 };
            let swapped = (self.0).compare_exchange_weak(
                seen,
                at.beside(count),
                Ordering::Relaxed,
                Ordering::Relaxed,
            );
            match swapped {
                Ok(_) => return count,
                Err(now) => seen = now,
            }
        }
    }

    /// A success, or the row has had its consequence.
    pub(crate) fn ended(&self) {
        // Nearly always there is none: a look is shared by all cores, a write is not.
        if self.0.load(Ordering::Relaxed) != 0 {
            self.0.store(0, Ordering::Relaxed);
        }
    }
}

/// Whether an endpoint is out, and how often it was.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ejection {
    out: Option<Out>,
    times: u32,
    total: u64,
    back: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
struct Out {
    since: Instant,
    until: Instant,
    failures: u32,
    why: &'static str,
}

impl Ejection {
    /// Puts it out after `failures` in a row, the last of them `why`.
    pub(crate) fn begin(
        &mut self,
        failures: u32,
        why: &'static str,
        settings: &Settings,
        now: Instant,
    ) {
        self.times = self.times(settings, now).saturating_add(1);
        self.total += 1;
        self.out = Some(Out {
            since: now,
            until: now + settings.out_for(self.times),
            failures,
            why,
        });
    }

    /// Lets it in again. Says whether it was out.
    pub(crate) fn end(&mut self, at: Instant) -> bool {
        let was_out = self.out.take().is_some();
        if was_out {
            self.back = Some(at);
        }
        was_out
    }

    /// Until when it is out.
    pub(crate) fn until(&self) -> Option<Instant> {
        self.out.map(|out| out.until)
    }

    /// How often it was put out in all.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// How often it was put out, less one for each `interval` that it has been back.
    pub(crate) fn times(&self, settings: &Settings, now: Instant) -> u32 {
        let Some(back) = self.back.filter(|_| self.out.is_none()) else {
            return self.times;
        };
        let in_use = now.saturating_duration_since(back).as_millis();
        let intervals = in_use.checked_div(settings.interval.as_millis());
        let intervals = intervals.and_then(|count| u32::try_from(count).ok());
        self.times.saturating_sub(intervals.unwrap_or(u32::MAX))
    }

    /// Why it is out, in words, and since when.
    pub(crate) fn reason(&self) -> Option<(String, Instant)> {
        let Out {
            since,
            failures,
            why,
            ..
        } = self.out?;
        let reason = format!("ejected: {failures} failures in a row, the last {why}");
        Some((reason, since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_row_ends_with_a_success_or_with_time() {
        let began = Instant::now();
        let at = |seconds| Stamp::new(began, began + SECOND * seconds);
        let (row, interval) = (Row::default(), SECOND * 10);
        assert_eq!(row.failed(at(0), interval), 1);
        assert_eq!(row.failed(at(9), interval), 2);
        assert_eq!(row.failed(at(19), interval), 1);
        assert_eq!(row.failed(at(19), interval), 2);
        row.ended();
        assert_eq!(row.failed(at(19), interval), 1);
    }

    #[test]
    fn no_failure_of_many_cores_is_lost() {
        let row = Row::default();
        let at = Stamp::new(Instant::now(), Instant::now());
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..1000).for_each(|_| _ = row.failed(at, SECOND)));
            }
        });
        assert_eq!(row.failed(at, SECOND), 4001);
    }

    #[test]
    fn each_time_it_is_out_for_longer_and_time_in_use_takes_that_back() {
        let settings = Settings::default();
        let mut now = Instant::now();
        let mut ejection = Ejection::default();
        for times in 1..=12_u32 {
            ejection.begin(5, "connect", &settings, now);
            assert_eq!(ejection.times(&settings, now), times);
            let until = ejection.until().unwrap();
            assert_eq!(until - now, (SECOND * 30 * times).min(SECOND * 300));
            now = until;
            assert!(ejection.end(now));
            assert!(!ejection.end(now));
        }
        assert_eq!(ejection.times(&settings, now + SECOND * 9), 12);
        assert_eq!(ejection.times(&settings, now + SECOND * 25), 10);
        assert_eq!(ejection.times(&settings, now + SECOND * 1000), 0);
        ejection.begin(5, "connect", &settings, now + SECOND * 25);
        let until = now + SECOND * 25 + SECOND * 300;
        assert_eq!(ejection.until(), Some(until));
        assert_eq!(ejection.total(), 13);
    }

    #[test]
    fn a_base_of_more_than_the_longest_is_kept() {
        let settings = Settings {
            base: SECOND * 600,
            ..Settings::default()
        };
        assert_eq!(settings.out_for(3), SECOND * 600);
    }

    #[test]
    fn no_more_than_the_share_go_and_one_stays() {
        let settings = Settings::default();
        assert!(!settings.may_eject(1, 0, 0));
        assert!(settings.may_eject(2, 0, 1));
        assert!(settings.may_eject(3, 0, 2));
        assert!(settings.may_eject(3, 1, 1));
        assert!(!settings.may_eject(3, 2, 0));
        assert!(!settings.may_eject(10, 5, 4));
    }

    #[test]
    fn fewer_than_half_well_is_a_panic() {
        let settings = Settings::default();
        assert!(settings.is_panic(3, 1));
        assert!(!settings.is_panic(2, 1));
        assert!(!settings.is_panic(0, 0));
    }
}
