//! What it costs to decide which side answers, and whether a request is copied: the pure rules, on one core.

use std::hint::black_box;
use std::io::Write as _;
use std::time::Instant;

use anyhow::Context as _;
use strangler::{Bucketer, Caller, Migration, People, Percent, Phase, Split};

/// So many callers take turns, so that no branch is learnt by heart.
const CALLERS: u32 = 10_000;

/// How often each of them in a round.
const TURNS: u32 = 20;

/// All of it.
pub(crate) fn run() -> anyhow::Result<()> {
    let keys: Vec<String> = (0..CALLERS)
        .map(|n| format!("user-{n:05}@shop.example"))
        .collect();
    let groups: Vec<String> = ["customers", "eu", "newsletter"].map(str::to_owned).into();
    let migration = canary()?;
    let sample = Bucketer::new("orders/shadow", 1);
    let tenth = Percent::try_from(10.0)?;
    let lines = [
        (
            "a canary's side",
            per_call(&keys, |key| {
                black_box(migration.decide(&caller(key, &groups)));
            }),
        ),
        (
            "a sample's bucket",
            per_call(&keys, |key| {
                black_box(sample.bucket(black_box(key)).is_within(tenth));
            }),
        ),
    ];
    for (what, nanos) in lines {
        writeln!(std::io::stdout(), "{what:<20}{nanos:>7.1} ns")?;
    }
    Ok(())
}

fn caller<'a>(key: &'a str, groups: &'a [String]) -> Caller<'a> {
    Caller {
        user: Some(black_box(key)),
        groups,
        method: black_box("GET"),
        key: Some(black_box(key)),
        chosen: None,
    }
}

/// The fastest of several rounds: whatever else runs on the machine only ever adds.
#[expect(clippy::disallowed_methods, reason = "what measures reads the clock")]
fn per_call(keys: &[String], mut call: impl FnMut(&str)) -> f64 {
    let mut round = || {
        let start = Instant::now();
        for _ in 0..TURNS {
            for key in keys {
                call(key);
            }
        }
        start.elapsed().as_secs_f64() * 1e9 / f64::from(TURNS * CALLERS)
    };
    (0..15).map(|_| round()).fold(f64::INFINITY, f64::min)
}

/// With lists of people that nobody is on, which is the longest way through the rules.
fn canary() -> anyhow::Result<Migration> {
    let people = |kind: &str| People {
        users: (0..20).map(|n| format!("{kind}-{n}")).collect(),
        groups: (0..5).map(|n| format!("{kind}-group-{n}")).collect(),
    };
    Ok(Migration {
        phase: Phase::Canary,
        forced_legacy: false,
        killed: false,
        rolled_back: false,
        split: Split {
            enabled: true,
            percent: Percent::try_from(25.0).context("a share")?,
            methods: ["GET", "HEAD"].map(str::to_owned).into(),
            allow: people("allowed"),
            deny: people("denied"),
        },
        bucketer: Bucketer::new("orders", 1),
    })
}
