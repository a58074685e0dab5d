//! Lets naive rules and the judge watch the same simulated canaries: how many each rolls back, and how fast.
//!
//! `cargo run --release -p strangler --example judge`

#![expect(clippy::print_stdout, reason = "a table to read")]

use std::time::Duration;

use fastrand::Rng;
use strangler::judge::{Rules, Step, Tick, Verdict};
use strangler::{Percent, Side};

const RUNS: u64 = 200;

/// Half an hour of ten seconds each.
const TICKS: u32 = 180;
const TICK: Duration = Duration::from_secs(10);

/// Users on the service and on legacy, and how many requests of each a tick sees: 5 %.
const USERS: [u32; 2] = [1000, 19_000];
const REQUESTS: [u32; 2] = [40, 760];

/// Half of the answers take less; log-normal, so that 1 % take more than the threshold at legacy's p99.
const MEDIAN_MS: f64 = 50.0;
const SIGMA: f64 = 0.5;
const P99: f64 = 2.326_348;

/// What is wrong in a scenario; by default nothing is.
#[derive(Clone, Copy, Default)]
struct Scenario {
    name: &'static str,
    /// Share of users, on both sides, whose requests always fail.
    broken_users: f64,
    /// One in so many users asks fifty times as often.
    heavy_users: bool,
    /// Failures come in bursts that hit whoever asks in that tick, on either side.
    clustered: bool,
    /// What befalls both sides in the sixth minute.
    minute: Minute,
    /// The service fails more.
    failing: f64,
    /// The service's answers take so many times as long, more.
    slower: f64,
    /// So many of the service's answers take 500 ms more.
    stalling: f64,
}

#[derive(Clone, Copy, Default, PartialEq)]
enum Minute {
    #[default]
    Calm,
    /// Half of everything fails.
    Outage,
    /// Everything takes three times as long.
    Slowdown,
}

const NAMES: [&str; 4] = ["delta > 1 pp", "z-test", "99 %, 5 strikes", "judge"];

fn scenarios() -> [Scenario; 12] {
    let named = |name| Scenario {
        name,
        ..Scenario::default()
    };
    [
        named("healthy"),
        Scenario {
            broken_users: 0.01,
            ..named("always-failing users")
        },
        Scenario {
            heavy_users: true,
            broken_users: 0.002,
            ..named("heavy users")
        },
        Scenario {
            clustered: true,
            ..named("clustered errors")
        },
        Scenario {
            minute: Minute::Outage,
            ..named("shared outage")
        },
        Scenario {
            minute: Minute::Slowdown,
            ..named("shared slowdown")
        },
        Scenario {
            failing: 0.5,
            ..named("50 % failing")
        },
        Scenario {
            failing: 0.05,
            ..named("+5 %")
        },
        Scenario {
            failing: 0.02,
            ..named("+2 %")
        },
        Scenario {
            slower: 1.0,
            ..named("p99 x2")
        },
        Scenario {
            slower: 0.5,
            ..named("p99 x1.5")
        },
        Scenario {
            stalling: 0.03,
            ..named("3 % +500 ms")
        },
    ]
}

impl Scenario {
    fn tick(&self, rng: &mut Rng, at: u32, threshold_ms: f64) -> Tick {
        let mut tick = Tick::default();
        let sixth = (30..36).contains(&at);
        let minute = if sixth { self.minute } else { Minute::Calm };
        let burst = self.clustered && rng.f64() < 0.01;
        for (side, users, requests) in [
            (Side::Service, USERS[0], REQUESTS[0]),
            (Side::Legacy, USERS[1], REQUESTS[1]),
        ] {
            for _ in 0..requests {
                let user = self.user(rng, users);
                let broken = f64::from(user) < f64::from(users) * self.broken_users;
                let mut failing = if burst { 0.2 } else { 0.002 };
                if minute == Minute::Outage {
                    failing = 0.5;
                }
                let mut ms = MEDIAN_MS * (SIGMA * normal(rng)).exp();
                if minute == Minute::Slowdown {
                    ms *= 3.0;
                }
                if side == Side::Service {
                    failing += self.failing;
                    ms *= 1.0 + self.slower;
                    ms += if rng.f64() < self.stalling {
                        500.0
                    } else {
                        0.0
                    };
                }
                let failed = broken || rng.f64() < failing;
                let offset = if side == Side::Service { 0 } else { USERS[0] };
                let hash = (offset + user).wrapping_mul(0x9e37_79b1);
                tick.add(side, hash, failed, ms > threshold_ms);
            }
        }
        tick
    }

    fn user(&self, rng: &mut Rng, users: u32) -> u32 {
        // One in a thousand sends one request in twenty.
        if self.heavy_users && rng.f64() < 0.05 {
            return rng.u32(0..(users / 1000).max(1));
        }
        rng.u32(0..users)
    }
}

/// A point of the normal curve.
fn normal(rng: &mut Rng) -> f64 {
    let radius = (-2.0 * (1.0 - rng.f64()).ln()).sqrt();
    radius * (std::f64::consts::TAU * rng.f64()).cos()
}

/// Request counts over the step, as naive rules see them.
#[derive(Default)]
struct Naive {
    requests: [f64; 2],
    failed: [f64; 2],
    strikes: u32,
}

impl Naive {
    fn add(&mut self, tick: &Tick) -> [bool; 3] {
        for (side, seen) in [&tick.service, &tick.legacy].into_iter().enumerate() {
            self.requests[side] += to_f64(seen.requests);
            self.failed[side] += to_f64(seen.failed);
        }
        if to_f64(tick.service.failed) > 0.01 * to_f64(tick.service.requests) {
            self.strikes += 1;
        } else {
            self.strikes = 0;
        }
        let [n1, n0] = self.requests;
        let [p1, p0] = [self.failed[0] / n1, self.failed[1] / n0];
        let p = (self.failed[0] + self.failed[1]) / (n1 + n0);
        let z = (p1 - p0) / (p * (1.0 - p) * (1.0 / n1 + 1.0 / n0)).sqrt();
        [p1 - p0 > 0.01, z > 1.645 && n1 >= 300.0, self.strikes >= 5]
    }
}

fn to_f64(count: u64) -> f64 {
    u32::try_from(count).map_or(f64::MAX, f64::from)
}

/// In which tick each rule rolled a run back.
fn run(scenario: &Scenario, seed: u64) -> [Option<u32>; 4] {
    let mut rng = Rng::with_seed(seed);
    let rules = Rules::default();
    let tolerance = rules.p99_tolerance.unwrap_or(1.0);
    let threshold = MEDIAN_MS * (SIGMA * P99).exp() * tolerance;
    let share = Percent::try_from(5.0).unwrap_or_default();
    let frozen = Duration::from_secs_f64(threshold / 1000.0);
    let mut step = Step::begin(share, Duration::ZERO, None, Some(frozen));
    let mut naive = Naive::default();
    let mut found = [None; 4];
    for at in 0..TICKS {
        let tick = scenario.tick(&mut rng, at, threshold);
        let now = TICK * (at + 1);
        step.add(&tick, now);
        let judged = matches!(step.judge(&rules, 5, now), Verdict::Rollback { .. });
        let [delta, z, strikes] = naive.add(&tick);
        for (found, back) in found.iter_mut().zip([delta, z, strikes, judged]) {
            if back {
                found.get_or_insert(at + 1);
            }
        }
        if found.iter().all(Option::is_some) {
            break;
        }
    }
    found
}

fn main() {
    println!("rolled back of {RUNS}, and the median tick of it");
    print!("{:<22}", "");
    println!("{}", NAMES.map(|name| format!("{name:>18}")).concat());
    for scenario in scenarios() {
        print!("{:<22}", scenario.name);
        let runs = (0..RUNS).map(|seed| run(&scenario, seed));
        let runs = runs.collect::<Vec<_>>();
        for rule in 0..NAMES.len() {
            let mut ticks = runs.iter().filter_map(|run| run[rule]).collect::<Vec<_>>();
            ticks.sort_unstable();
            let cell = match ticks.get(ticks.len() / 2) {
                Some(median) => format!("{} ({median})", ticks.len()),
                None => "0".to_owned(),
            };
            print!("{cell:>18}");
        }
        println!();
    }
}
