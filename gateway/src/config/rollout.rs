//! How a canary is led: `steps`, `holdback` and what stands beside them in a route's `canary`.

use std::time::Duration;

use strangler::Percent;
use strangler::judge::Rules;

use crate::config::report::{At, Diagnostic, Place};
use crate::config::split::Canary;
use crate::config::table::Table;
use crate::config::units::show_duration;
use crate::config::value::Value;
use crate::judge::config::RolloutConfig;

const FAILOVER: [(&str, bool); 2] = [("off", false), ("idempotent", true)];

/// What the file says of how a canary is led.
pub(super) struct Rollout {
    pub(super) config: RolloutConfig,
    pub(super) times: StepTimes,
    /// `steps` is given, even if wrong.
    pub(super) has_steps: bool,
    /// The keys that have no meaning beside a flag, where they are given.
    pub(super) not_with_flag: Vec<Place>,
}

/// How long a step takes.
pub(super) struct StepTimes {
    /// Nothing where it could not be read.
    pub(super) min: Option<Duration>,
    pub(super) min_at: Option<Place>,
    pub(super) max: Option<Duration>,
}

/// Reads what the table says besides who moves, which is known by now.
pub(super) fn rollout(table: &Table<'_>, canary: &Canary) -> Rollout {
    let default = RolloutConfig::default();
    let holdback = table.get("holdback");
    let kept = holdback
        .as_ref()
        .and_then(|value| Some(value.at(value.percent()?)));
    let steps = table.get("steps");
    let boolean = |key| table.get(key).and_then(|value| value.boolean());
    let number = |key, bounds| table.get(key)?.integer(bounds);
    let failover = table.get("failover");
    led_once(table, canary, steps.as_ref());
    percent_leaves(table, canary, kept.as_ref());
    let not_with_flag = [&steps, &holdback].into_iter().flatten();
    Rollout {
        times: times(table),
        has_steps: steps.is_some(),
        not_with_flag: not_with_flag.map(|value| value.key.clone()).collect(),
        config: RolloutConfig {
            steps: steps
                .and_then(|value| capped(&value, &ascending(&value)?, kept.as_ref()))
                .unwrap_or_default(),
            auto_advance: boolean("auto_advance").unwrap_or(default.auto_advance),
            auto_rollback: boolean("auto_rollback").unwrap_or(default.auto_rollback),
            max_rollbacks: number("max_rollbacks", 1..=u32::MAX).unwrap_or(default.max_rollbacks),
            max_concurrent: number("max_concurrent", 0..=u32::MAX)
                .unwrap_or(default.max_concurrent),
            failover: failover
                .and_then(|value| value.choice(&FAILOVER))
                .unwrap_or(default.failover),
        },
    }
}

/// By a person or by the judge, not by both.
fn led_once(table: &Table<'_>, canary: &Canary, steps: Option<&Value<'_>>) {
    if let (Some(percent), Some(steps)) = (&canary.percent_at, steps) {
        let error = Diagnostic::error(&steps.key, "percent is given as well");
        let error = error.also(percent, "here");
        let help = "keep percent to lead by hand, or steps to have the judge lead";
        table.reading.report(error.help(help));
    }
}

/// A share that a person wrote is never lowered in silence.
fn percent_leaves(table: &Table<'_>, canary: &Canary, holdback: Option<&At<Percent>>) {
    let (Some(percent), Some(at), Some(holdback)) = (canary.percent, &canary.percent_at, holdback)
    else {
        return;
    };
    let most = left(holdback.value);
    if percent > most {
        let said = format!("{percent} is more than holdback leaves: {most}");
        let error = Diagnostic::error(at, said).also(&holdback.place, "stay on legacy, in percent");
        let help = "lower one of the two";
        table.reading.report(error.help(help));
    }
}

/// What a holdback leaves of all callers.
fn left(holdback: Percent) -> Percent {
    let hundredths = Percent::ALL.hundredths() - holdback.hundredths();
    Percent::try_from(hundredths).unwrap_or(Percent::ALL)
}

/// All of them, or nothing where one is wrong.
fn ascending(value: &Value<'_>) -> Option<Vec<At<Percent>>> {
    if !value.is_list() {
        let error = value.wrong_type("a list");
        let help = "write [1, 5, 25, 50, 100]; a single share is led by hand with percent";
        value.reading.report(error.help(help));
        return None;
    }
    let entries = value.list()?;
    if entries.is_empty() {
        value.wrong(
            "is empty: nobody would ever move",
            "list shares, such as [1, 5, 25, 50, 100]; or lead by hand with percent",
        );
        return None;
    }
    let all = entries.len();
    let mut steps: Vec<At<Percent>> = Vec::new();
    for entry in entries {
        let Some(step) = entry.percent() else {
            continue;
        };
        match steps.last().filter(|before| step <= before.value) {
            None => steps.push(entry.at(step)),
            Some(before) => {
                let said = format!("{step} is no larger than {}", before.value);
                let error = Diagnostic::error(&entry.place, said);
                let error = error.also(&before.place, "comes before it");
                let help = "write each step larger than the one before: [1, 5, 25, 50, 100]";
                value.reading.report(error.help(help));
            }
        }
    }
    (steps.len() == all).then_some(steps)
}

/// The steps with the holdback taken off: what is larger than it leaves becomes what it leaves, once.
fn capped(
    value: &Value<'_>,
    steps: &[At<Percent>],
    holdback: Option<&At<Percent>>,
) -> Option<Vec<Percent>> {
    let most = holdback.map_or(Percent::ALL, |holdback| left(holdback.value));
    if let (Some(first), Some(holdback)) = (steps.first(), holdback)
        && first.value > most
    {
        let said = format!("no step is left: holdback leaves {most}");
        let error = Diagnostic::error(&first.place, said);
        let error = error.also(&holdback.place, "stay on legacy, in percent");
        let help = "lower the first step, or holdback";
        value.reading.report(error.help(help));
        return None;
    }
    let mut capped: Vec<Percent> = steps.iter().map(|step| step.value.min(most)).collect();
    capped.dedup();
    if capped.last() == Some(&Percent::NONE) {
        let error = Diagnostic::error(&value.place, "ends at 0 %: nobody would ever move");
        let error = match holdback.filter(|_| most == Percent::NONE) {
            Some(holdback) => error.also(&holdback.place, "stay on legacy, in percent"),
            None => error,
        };
        let help = "let the last step be larger; 100 is everybody";
        value.reading.report(error.help(help));
        return None;
    }
    Some(capped)
}

fn times(table: &Table<'_>) -> StepTimes {
    let default = Rules::default();
    let (min, max) = (table.get("step_min"), table.get("step_max"));
    let read = |value: &Option<Value<'_>>, default| match value {
        Some(value) => value.wait(),
        None => Some(default),
    };
    let times = StepTimes {
        min: read(&min, default.step_min),
        min_at: min.map(|value| value.place),
        max: read(&max, default.step_max),
    };
    let max_at = max.map(|value| value.place);
    let (Some(least), Some(most)) = (times.min, times.max) else {
        return times;
    };
    let (place, said, other) = match (&times.min_at, &max_at) {
        _ if least <= most => return times,
        (Some(min), max) => (
            min,
            format!("is longer than step_max, {}", show_duration(most)),
            max.as_ref(),
        ),
        (None, Some(max)) => (
            max,
            format!("is shorter than step_min, {}", show_duration(least)),
            None,
        ),
        (None, None) => return times,
    };
    let error = Diagnostic::error(place, said);
    let error = match other {
        Some(other) => error.also(other, "step_max"),
        None => error,
    };
    let help =
        "a step goes on after step_min at the earliest, and counts as undecided after step_max";
    table.reading.report(error.help(help));
    times
}
