//! The rules, put to a step's numbers.

use std::fmt;
use std::time::Duration;

use super::evidence::float;
use super::record::{Active, Record, Sums};
use super::rules::Rules;
use super::verdict::{Trigger, Verdict};
use crate::percent::Percent;

/// Below so many active keys a share of failed ones says nothing.
const MIN_ACTIVE: u64 = 20;

/// One caller alone, however often he is seen, takes no service further.
const MIN_USERS: u64 = 20;

/// Below so many requests a share of slow ones says nothing.
const MIN_TIMED: u64 = 300;

/// Of a healthy side's requests about so many are slow.
const SLOW_SHARE: f64 = 0.01;

/// How many times legacy's share of slow requests the service's must be.
const SLOW_RATIO: f64 = 1.5;

/// The point on the normal curve that leaves 5 % above it.
const ONE_SIDED: f64 = 1.645;

/// The point that leaves one in two thousand above it: the rule of hard errors looks at each tick.
const CLEARLY: f64 = 3.3;

/// How a step is looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    pub(super) age: Duration,
    /// Another `step_min` has passed: the step may advance.
    pub(super) due: bool,
    /// It is known what is slow.
    pub(super) timed: bool,
    /// How many callers the service has answered in the step.
    pub(super) users: u64,
}

/// What stands against an advance.
struct Obstacle {
    why: String,
    missing: Option<u64>,
}

/// A share, as a percentage with two digits.
struct Share(f64);

/// A time, in seconds or minutes.
struct Time(Duration);

/// The verdict of this moment.
pub(super) fn verdict(record: &Record, rules: &Rules, steps: usize, look: Look) -> Verdict {
    let bound = bound(rules, steps);
    if let Some((trigger, why)) = against(record, rules, bound) {
        return Verdict::Rollback { trigger, why };
    }
    let Some(Obstacle { why, missing }) = obstacle(record, rules, bound, look) else {
        return unhindered(record, rules, look);
    };
    if look.age < rules.step_max {
        return Verdict::Hold { why, missing };
    }
    let why = format!("undecided after {}: {why}", Time(rules.step_max));
    if rules.rolls_back_undecided {
        let trigger = Trigger::Undecided;
        return Verdict::Rollback { trigger, why };
    }
    Verdict::Hold { why, missing }
}

/// So much evidence is enough: each step has its part of alpha, and of that each test one half.
pub(super) fn bound(rules: &Rules, steps: usize) -> f64 {
    float(steps.max(1) as u64) * 2.0 / rules.alpha
}

/// Evidence from its logarithm, as a number that can be written down.
pub(super) fn finite(ln: f64) -> f64 {
    ln.exp().min(f64::MAX)
}

fn unhindered(record: &Record, rules: &Rules, look: Look) -> Verdict {
    let compared = compared(record.whole());
    if look.due {
        let why = format!("nothing speaks against the service: {compared}");
        return Verdict::Advance { why };
    }
    let every = Time(rules.step_min);
    let why =
        format!("nothing speaks against the service: {compared}; it may advance every {every}");
    Verdict::Hold { why, missing: None }
}

/// What takes the callers back at once.
fn against(record: &Record, rules: &Rules, bound: f64) -> Option<(Trigger, String)> {
    let hard = hard_errors(record, rules).map(|why| (Trigger::HardErrors, why));
    hard.or_else(|| failed(record, rules, bound).map(|why| (Trigger::Failed, why)))
        .or_else(|| slow(record, rules, bound).map(|why| (Trigger::Slow, why)))
}

fn hard_errors(record: &Record, rules: &Rules) -> Option<String> {
    let [service, legacy] = record.last;
    let rate = service.failed_share();
    if service.keys < MIN_ACTIVE || rate <= rules.hard_error_rate {
        return None;
    }
    let legacy = legacy_now(record, legacy)?;
    let legacy_rate = legacy.failed_share();
    // Of few callers on legacy it is not known that they fail less.
    let clear = rate - legacy_rate > CLEARLY * standard_error(service, legacy);
    (clear && legacy_rate < rate / 2.0).then(|| {
        format!(
            "{} of the {} callers at once failed on the service, {} on legacy",
            Share(rate),
            service.keys,
            Share(legacy_rate)
        )
    })
}

/// Legacy in the last tick, or before the step that has everybody. What it did earlier in the same step says nothing of an
/// outage that both sides may share now.
fn legacy_now(record: &Record, last: Active) -> Option<Active> {
    let now = if record.is_alone() {
        record.before.as_ref().map(|before| before.sums.key_ticks)
    } else {
        Some(last)
    };
    now.filter(|active| active.keys > 0)
}

fn failed(record: &Record, rules: &Rules, bound: f64) -> Option<String> {
    let test = &record.failed;
    let over = test.evidence.ln() >= bound.ln();
    let enough = test.service.events >= rules.min_errors;
    // What was before it got worse hides nothing.
    let sides = record.since_lowest(test)?;
    let worse = delta(sides) > rules.max_error_rate_delta + chance(record, sides);
    (over && enough && worse).then(|| {
        format!(
            "{} callers failed on the service; since it got worse {}, evidence {} of {bound:.0}",
            test.service.events,
            compared(Some(sides)),
            rounded(test.evidence.ln())
        )
    })
}

fn slow(record: &Record, rules: &Rules, bound: f64) -> Option<String> {
    rules.p99_tolerance?;
    let test = &record.slow;
    let over = test.evidence.ln() >= bound.ln();
    let enough = test.service.events >= rules.min_errors && record.service.timed >= MIN_TIMED;
    let [share, legacy] = record.slow_requests();
    // At 100 % requests are the evidence: those of one heavy account must not decide.
    let worse =
        is_slower([share, legacy]) && (!record.is_alone() || is_slower(record.slow_callers()));
    (over && enough && worse).then(|| {
        format!(
            "since it got worse {} of the service's requests were slow, {} of legacy's; evidence {} of {bound:.0}",
            Share(share),
            Share(legacy),
            rounded(test.evidence.ln())
        )
    })
}

/// The service's share of what is slow is too large, and not for what legacy has of it.
fn is_slower([service, legacy]: [f64; 2]) -> bool {
    service > SLOW_SHARE && service > SLOW_RATIO * legacy
}

/// How much larger the service's share of failures is, by requests or by callers: one heavy account on either side hides
/// nothing.
fn delta([service, control]: [Sums; 2]) -> f64 {
    let requests = service.failed_share() - control.failed_share();
    let callers = service.key_ticks.failed_share() - control.key_ticks.failed_share();
    requests.max(callers)
}

/// At 100 % the evidence takes what legacy did before as certain, and of few callers it is not: so much more on the service
/// may be chance.
fn chance(record: &Record, [service, control]: [Sums; 2]) -> f64 {
    if !record.is_alone() {
        return 0.0;
    }
    ONE_SIDED * standard_error(service.key_ticks, control.key_ticks)
}

/// From how much it is known what legacy did before, where that is the control.
fn known_before(record: &Record) -> String {
    let before = record.before.as_ref().filter(|_| record.is_alone());
    before.map_or_else(String::new, |before| {
        let keys = before.sums.key_ticks.keys;
        format!(", who was seen with {keys} samples before this step")
    })
}

/// The first thing that stands against an advance.
fn obstacle(record: &Record, rules: &Rules, bound: f64, look: Look) -> Option<Obstacle> {
    few_samples(record, rules)
        .or_else(|| few_users(record, look.users))
        .or_else(|| doubt(record, rules, bound, look.timed))
        .or_else(|| too_wide(record, rules))
}

fn few_samples(record: &Record, rules: &Rules) -> Option<Obstacle> {
    let min = rules.min_samples;
    let [service, legacy] = [&record.service, &record.legacy].map(|sums| sums.key_ticks.keys);
    if record.is_alone() && record.before.is_none() {
        let why = "legacy answers nobody, and nothing is known of what it did before: there is nothing to compare with";
        return Some(Obstacle::new(why));
    }
    if record.share > Percent::NONE && service < min {
        let missing = match service {
            0 => min,
            _ => scaled(
                record.service.requests,
                float(min - service) / float(service),
            ),
        };
        let why =
            format!("the service was seen with {service} of {min} samples, a caller in a tick");
        return Some(Obstacle {
            why,
            missing: Some(missing),
        });
    }
    (!record.is_alone() && legacy < min).then(|| {
        Obstacle::new(format!(
            "legacy was seen with {legacy} of {min} samples, a caller in a tick"
        ))
    })
}

fn few_users(record: &Record, users: u64) -> Option<Obstacle> {
    (record.share > Percent::NONE && users < MIN_USERS).then(|| {
        Obstacle::new(format!(
            "{users} of {MIN_USERS} callers were answered by the service"
        ))
    })
}

/// What is not yet enough for a rollback, but too much for an advance.
fn doubt(record: &Record, rules: &Rules, bound: f64, timed: bool) -> Option<Obstacle> {
    if record.failed.evidence.ln() >= bound.ln() {
        return Some(Obstacle::new(format!(
            "evidence {} of {bound:.0} says that more callers fail on the service, but few or little more: {}{}",
            rounded(record.failed.evidence.ln()),
            compared(record.since_lowest(&record.failed)),
            known_before(record)
        )));
    }
    rules.p99_tolerance?;
    if !timed {
        let why = "it is not known what is slow: legacy has answered too few requests for its p99";
        return Some(Obstacle::new(why));
    }
    if record.slow.evidence.ln() >= bound.ln() {
        let [service, legacy] = record.slow_requests();
        return Some(Obstacle::new(format!(
            "evidence {} of {bound:.0} says that more callers wait long for the service, but few or little more: {} of its requests, {} of legacy's",
            rounded(record.slow.evidence.ln()),
            Share(service),
            Share(legacy)
        )));
    }
    let timed = record.service.timed;
    (record.share > Percent::NONE && timed < MIN_TIMED).then(|| Obstacle {
        why: format!("{timed} of {MIN_TIMED} requests to the service were timed"),
        missing: Some(MIN_TIMED - timed),
    })
}

/// The service may still be worse than is allowed.
fn too_wide(record: &Record, rules: &Rules) -> Option<Obstacle> {
    let [service, control] = record.whole()?;
    let delta = delta([service, control]);
    let max = rules.max_error_rate_delta;
    let margin = ONE_SIDED * standard_error(service.key_ticks, control.key_ticks);
    // With nobody on the service nothing is known of it, nor does anybody suffer.
    if record.share == Percent::NONE || delta + margin <= max {
        return None;
    }
    let missing = (delta < max).then(|| {
        let wide = margin / (max - delta);
        scaled(service.requests, wide * wide - 1.0)
    });
    let why = format!(
        "the service may fail up to {} more of its requests than legacy, {} is allowed: {}",
        Share(delta + margin),
        Share(max),
        compared(Some([service, control]))
    );
    Some(Obstacle { why, missing })
}

/// How far the difference of both shares of failures may be off by chance.
pub(super) fn standard_error(service: Active, legacy: Active) -> f64 {
    (service.variance() + legacy.variance()).sqrt()
}

/// Both sides' failures in words.
fn compared(sides: Option<[Sums; 2]>) -> String {
    let Some([service, control]) = sides else {
        return "there is nothing to compare with".to_owned();
    };
    let [failed, legacy_failed] = [service, control].map(|sums| Share(sums.failed_share()));
    format!(
        "{failed} of its {} requests failed, {legacy_failed} of legacy's",
        service.requests
    )
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cast saturates"
)]
fn scaled(requests: u64, by: f64) -> u64 {
    (float(requests) * by).ceil().max(1.0) as u64
}

/// Evidence to read: whole above ten.
fn rounded(ln: f64) -> String {
    match finite(ln) {
        small if small < 10.0 => format!("{small:.2}"),
        large if large < 1e9 => format!("{large:.0}"),
        huge => format!("{huge:.0e}"),
    }
}

impl Obstacle {
    fn new(why: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            missing: None,
        }
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_secs() {
            seconds @ 0..120 => write!(f, "{seconds} s"),
            seconds => write!(f, "{} min", seconds / 60),
        }
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} %", self.0 * 100.0)
    }
}

#[cfg(test)]
mod tests;
