//! What a canary's `steps` and `[route.NAME.judge]` mean.

use std::time::Duration;

use gateway::judge::config::{Failures, JudgeConfig, RolloutConfig};
use gateway::side::config::MigrationConfig;
use strangler::Percent;

use super::meaning::{config, migration};

/// A canary with these keys, below these defaults.
fn canary(defaults: &str, keys: &str) -> MigrationConfig {
    let config = config(&format!(
        "{defaults}\n[route.a]\npath = \"/a\"\nauth = \"shop\"\nlegacy = \"old\"\nservice = \"new\"\n\
         sticky = [\"visitor\"]\nphase = \"canary\"\n{keys}\n"
    ));
    migration(&config, "a")
}

fn percents<const N: usize>(steps: [f64; N]) -> Vec<Percent> {
    let all = steps.map(|step| Percent::try_from(step).unwrap());
    all.to_vec()
}

#[test]
fn a_canary_begins_with_the_first_of_its_steps() {
    let led = canary("", "canary.steps = [0.01, 5, 12.5, 100]");
    assert_eq!(led.rollout.steps, percents([0.01, 5.0, 12.5, 100.0]));
    assert_eq!(led.share_in_force(), percents([0.01])[0]);
    assert_eq!(led.shares(), "steps 0.01, 5, 12.5, 100");
    let by_hand = canary("", "canary.percent = 5");
    assert_eq!(by_hand.rollout, RolloutConfig::default());
    assert_eq!(*by_hand.judge, JudgeConfig::default());
    assert_eq!(by_hand.shares(), "5 %");
    let blue_green = canary("", "canary.steps = [0, 100]");
    assert_eq!(blue_green.share_in_force(), Percent::NONE);
    assert_eq!(blue_green.rollout.steps, percents([0.0, 100.0]));
}

#[test]
fn a_holdback_is_taken_off_the_steps() {
    for (steps, holdback, expected) in [
        ("[1, 50, 100]", "5", percents([1.0, 50.0, 95.0])),
        ("[1, 50, 97, 100]", "5", percents([1.0, 50.0, 95.0])),
        ("[1, 95, 100]", "5", percents([1.0, 95.0])),
        ("[1, 50]", "0.01", percents([1.0, 50.0])),
        ("[0, 100]", "0.01", percents([0.0, 99.99])),
        ("[50, 100]", "50", percents([50.0])),
        ("[1, 100]", "0", percents([1.0, 100.0])),
    ] {
        let keys = format!("canary.steps = {steps}\ncanary.holdback = {holdback}");
        let led = canary("", &keys);
        assert_eq!(led.rollout.steps, expected, "{steps} {holdback}");
    }
    let by_hand = canary("", "canary.percent = 95\ncanary.holdback = 5");
    assert_eq!(by_hand.share_in_force(), percents([95.0])[0]);
}

#[test]
fn every_key_of_a_canary_is_read() {
    let led = canary(
        "",
        "[route.a.canary]\nsteps = [1, 5]\nstep_min = \"1m\"\nstep_max = \"2m\"\nauto_advance = false\n\
         auto_rollback = false\nmax_rollbacks = 7\nmax_concurrent = 64\nfailover = \"idempotent\"",
    );
    let expected = RolloutConfig {
        steps: percents([1.0, 5.0]),
        auto_advance: false,
        auto_rollback: false,
        max_rollbacks: 7,
        max_concurrent: 64,
        failover: true,
    };
    assert_eq!(led.rollout, expected);
    let rules = &led.judge.rules;
    let minutes = [rules.step_min, rules.step_max].map(|time| time.as_secs());
    assert_eq!(minutes, [60, 120]);
}

const EVERY_KEY: &str = "alpha = 0.2\ninterval = \"1s\"\nmax_error_rate_delta = 0.01\nlatency = true\n\
     p99_tolerance = 2\nmin_samples = 300\nmin_errors = 1\nhard_error_rate = 1\n\
     failures = [\"timeout\", \"connect\"]\non_inconclusive = \"rollback\"";

#[test]
fn every_key_of_a_judge_is_read_from_the_route_or_the_defaults() {
    let own = canary(
        "",
        &format!("canary.percent = 5\n[route.a.judge]\n{EVERY_KEY}"),
    );
    let inherited = canary(
        &format!("[defaults.judge]\n{EVERY_KEY}"),
        "canary.percent = 5",
    );
    assert_eq!(own.judge, inherited.judge);
    let judge = *own.judge;
    assert_eq!(judge.interval, Duration::from_secs(1));
    let failures = Failures {
        answers: false,
        timeouts: true,
        connections: true,
    };
    assert_eq!(judge.failures, failures);
    let rules = judge.rules;
    let shown = format!(
        "{} {} {:?} {} {} {} {}",
        rules.alpha,
        rules.max_error_rate_delta,
        rules.p99_tolerance,
        rules.min_samples,
        rules.min_errors,
        rules.hard_error_rate,
        rules.rolls_back_undecided,
    );
    assert_eq!(shown, "0.2 0.01 Some(2.0) 300 1 1 true");
    assert_eq!(rules.step_min, Duration::from_mins(10));
}

#[test]
fn a_routes_own_word_stands_over_the_defaults() {
    let defaults = "[defaults.judge]\nlatency = false\nmin_samples = 50\nalpha = 0.1";
    let quiet = canary(defaults, "canary.percent = 5");
    assert_eq!(quiet.judge.rules.p99_tolerance, None);
    assert_eq!(quiet.judge.rules.min_samples, 50);
    let own = "canary.percent = 5\njudge.latency = true\njudge.min_samples = 300";
    let rules = canary(defaults, own).judge.rules.clone();
    assert_eq!(rules.p99_tolerance, Some(1.2));
    assert_eq!(
        (rules.min_samples, rules.alpha.to_string()),
        (300, "0.1".into())
    );
}

#[test]
fn a_route_that_is_led_by_a_flag_is_judged_too() {
    let led = canary("", "flag = \"half\"\njudge.alpha = 0.1");
    assert!(led.rollout.steps.is_empty());
    assert_eq!(led.judge.rules.alpha.to_string(), "0.1");
}
