//! Lets naive rules and the judge watch the same simulated canaries: how many each rolls back, and how fast.
//!
//! `cargo run --release -p strangler --example judge`

#![expect(clippy::print_stdout, reason = "a table to read")]

use std::time::Duration;

use fastrand::Rng;
use strangler::judge::{Baseline, Rules, Step, Tick, Verdict};
use strangler::{Percent, Side};

const RUNS: u64 = 200;
/// Half an hour of ten seconds each.
const TICKS: u32 = 180;

/// A long step, and when its service becomes faulty.
const LONG: u32 = 2160;
const LATE: u32 = 1800;
const TICK: Duration = Duration::from_secs(10);

/// Users on the service and on legacy at 5 %, and how many requests of each a tick sees.
const USERS: [u32; 2] = [1000, 19_000];
const REQUESTS: [u32; 2] = [40, 760];

/// Few who ask often: in a long step each of them fails sooner or later.
const FEW: [u32; 2] = [50, 950];

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
    step: Kind,
    /// On both sides 1 % fails instead of 0.2 %.
    flaky: bool,
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
enum Kind {
    #[default]
    Short,
    /// It has all users, and the one before it had half of them.
    Everybody,
    /// The one before it left few on legacy: little is known of what was usual.
    AfterMost,
    /// Its users are few, and what is wrong with the service begins late.
    Long,
}

#[derive(Clone, Copy, Default, PartialEq)]
enum Minute {
    #[default]
    Calm,
    /// Half of everything fails.
    Outage,
    /// All of it.
    Blackout,
    /// Everything takes three times as long.
    Slowdown,
}

const NAMES: [&str; 4] = ["delta > 1 pp", "z-test", "99 %, 5 strikes", "judge"];

fn named(name: &'static str) -> Scenario {
    Scenario {
        name,
        ..Scenario::default()
    }
}

fn healthy() -> Vec<Scenario> {
    vec![
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
    ]
}

fn faulty() -> Vec<Scenario> {
    vec![
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

fn everybody() -> Vec<Scenario> {
    let after_most = |failing, name| Scenario {
        step: Kind::AfterMost,
        flaky: true,
        failing,
        ..named(name)
    };
    vec![
        Scenario {
            step: Kind::Everybody,
            ..named("100 %, healthy")
        },
        Scenario {
            step: Kind::Everybody,
            broken_users: 0.01,
            ..named("100 %, always-failing")
        },
        Scenario {
            step: Kind::Everybody,
            broken_users: 0.01,
            failing: 0.02,
            ..named("100 %, +2 %")
        },
        Scenario {
            step: Kind::Everybody,
            slower: 0.5,
            ..named("100 %, p99 x1.5")
        },
        after_most(0.0, "95 to 100 %, flaky"),
        after_most(0.02, "95 to 100 %, +2 %"),
    ]
}

fn long() -> Vec<Scenario> {
    vec![
        Scenario {
            step: Kind::Long,
            broken_users: 0.01,
            minute: Minute::Blackout,
            ..named("long, after an outage")
        },
        Scenario {
            step: Kind::Long,
            broken_users: 0.01,
            minute: Minute::Blackout,
            failing: 0.05,
            ..named("long, late +5 %")
        },
        Scenario {
            step: Kind::Long,
            broken_users: 0.01,
            failing: 0.02,
            ..named("long, late +2 %")
        },
        Scenario {
            step: Kind::Long,
            slower: 0.5,
            ..named("long, late p99 x1.5")
        },
    ]
}

impl Scenario {
    /// Of a hundred users so many are on the service.
    fn tick(&self, rng: &mut Rng, at: u32, percent: u32, threshold_ms: f64) -> Tick {
        let mut tick = Tick::default();
        let everybody = if self.step == Kind::Long { FEW } else { USERS };
        let faulty = self.step != Kind::Long || at >= LATE;
        let sixth = (30..36).contains(&at);
        let minute = if sixth { self.minute } else { Minute::Calm };
        let burst = self.clustered && rng.f64() < 0.01;
        let requests = split(REQUESTS, percent);
        let users = split(everybody, percent);
        let first_on_legacy = users[0];
        for (side, users, requests) in [
            (Side::Service, users[0], requests[0]),
            (Side::Legacy, users[1], requests[1]),
        ] {
            let offset = if side == Side::Service {
                0
            } else {
                first_on_legacy
            };
            for _ in 0..requests {
                let user = self.user(rng, users);
                let hash = (offset + user).wrapping_mul(0x9e37_79b1);
                let broken = self.is_broken(user, users);
                let usual = if self.flaky { 0.01 } else { 0.002 };
                let mut failing = if burst { 0.2 } else { usual };
                if minute == Minute::Outage {
                    failing = 0.5;
                }
                let mut ms = MEDIAN_MS * (SIGMA * normal(rng)).exp();
                if minute == Minute::Slowdown {
                    ms *= 3.0;
                }
                if minute == Minute::Blackout {
                    failing = 1.0;
                }
                if side == Side::Service && faulty {
                    failing += self.failing;
                    ms *= 1.0 + self.slower;
                    ms += if rng.f64() < self.stalling {
                        500.0
                    } else {
                        0.0
                    };
                }
                let failed = broken || rng.f64() < failing;
                tick.add(side, hash, failed, ms > threshold_ms);
            }
        }
        tick
    }

    /// Ten minutes with a part of the users, and nothing wrong.
    fn before(&self, rng: &mut Rng) -> Option<Baseline> {
        let calm = Self {
            failing: 0.0,
            slower: 0.0,
            ..*self
        };
        let percent = if self.step == Kind::AfterMost { 95 } else { 50 };
        let mut step = begin(percent, None);
        for at in 0..TICKS / 3 {
            let tick = calm.tick(rng, at, percent, threshold_ms());
            step.add(&tick, TICK * (at + 1));
        }
        step.baseline()
    }

    /// At 100 % it is those who were it on both sides before.
    fn is_broken(&self, user: u32, users: u32) -> bool {
        let block = match self.step {
            Kind::Short => users,
            Kind::Everybody | Kind::AfterMost => 1000,
            Kind::Long => 100,
        };
        f64::from(user % block) < f64::from(block) * self.broken_users
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

/// Of a hundred so many on the service, the rest on legacy.
fn split(sides: [u32; 2], percent: u32) -> [u32; 2] {
    let all: u32 = sides.iter().sum();
    let service = all * percent / 100;
    [service, all - service]
}

/// In which tick each rule rolled a run back.
fn run(scenario: &Scenario, seed: u64) -> [Option<u32>; 4] {
    let mut rng = Rng::with_seed(seed);
    let everybody = matches!(scenario.step, Kind::Everybody | Kind::AfterMost);
    let percent = if everybody { 100 } else { 5 };
    let before = everybody.then(|| scenario.before(&mut rng));
    let mut step = begin(percent, before.flatten());
    let long = scenario.step == Kind::Long;
    let ticks = if long { LONG } else { TICKS };
    let mut naive = Naive::default();
    let mut found = [None; 4];
    for at in 0..ticks {
        let tick = scenario.tick(&mut rng, at, percent, threshold_ms());
        let now = TICK * (at + 1);
        step.add(&tick, now);
        let verdict = step.judge(&Rules::default(), 5, now);
        let judged = matches!(verdict, Verdict::Rollback { .. });
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

fn begin(percent: u32, before: Option<Baseline>) -> Step {
    let share = Percent::try_from(f64::from(percent)).unwrap_or_default();
    let threshold = Duration::from_secs_f64(threshold_ms() / 1000.0);
    Step::begin(share, Duration::ZERO, before, Some(threshold))
}

fn threshold_ms() -> f64 {
    let tolerance = Rules::default().p99_tolerance.unwrap_or(1.0);
    MEDIAN_MS * (SIGMA * P99).exp() * tolerance
}

fn main() {
    println!("rolled back of {RUNS}, and the median tick of it");
    print!("{:<24}", "");
    println!("{}", NAMES.map(|name| format!("{name:>18}")).concat());
    for scenario in [healthy(), faulty(), everybody(), long()].concat() {
        print!("{:<24}", scenario.name);
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
