//! `[route.NAME.judge]`, with what `[defaults.judge]` says for routes that don't.

use std::time::Duration;

use strangler::Phase;
use strangler::judge::Rules;

use crate::config::report::{At, Diagnostic, Place};
use crate::config::rollout::StepTimes;
use crate::config::shadow::needs_both;
use crate::config::table::Table;
use crate::config::units::show_duration;
use crate::config::value::Value;
use crate::judge::config::{Failures, JudgeConfig};

/// Below it a p99 is the word of a handful of requests.
const LEAST_SAMPLES_WITH_LATENCY: u64 = 300;

/// Requests of less than a second are too few to be evidence, and each look costs.
const SHORTEST_INTERVAL: Duration = Duration::from_secs(1);

const ALPHA: &str =
    "more than 0 and at most 0.2; it is the share of healthy canaries that may be rolled back";
const DELTA: &str = "more than 0 and less than 1, such as 0.005";
const TOLERANCE: &str =
    "more than 1 and at most 100, such as 1.2; latency = false does not judge latency at all";
const HARD: &str = "more than 0 and at most 1, such as 0.5";

/// What counts as failed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Failure {
    Answer,
    Timeout,
    Connection,
}

const FAILURES: [(&str, Failure); 3] = [
    ("5xx", Failure::Answer),
    ("timeout", Failure::Timeout),
    ("connect", Failure::Connection),
];

/// By what a canary is judged, before its route is known.
#[derive(Default)]
pub(super) struct Judge {
    config: JudgeConfig,
    /// Where the table stands, when it is written.
    at: Option<Place>,
    interval_at: Option<Place>,
    min_samples_at: Option<Place>,
}

/// Reads the table below `parent`; what it does not say is as in `defaults`.
pub(super) fn judge(parent: &Table<'_>, defaults: &Judge) -> Judge {
    let at = parent.at("judge");
    let table = parent.table("judge");
    let known = &defaults.config;
    let (interval, min_samples) = (table.get("interval"), table.get("min_samples"));
    let often = interval.as_ref().and_then(often);
    let samples = min_samples.as_ref().and_then(count);
    let is_readable = min_samples.is_none() || samples.is_some();
    let failures = table.get("failures");
    let failures = failures.and_then(|value| counted(&value));
    let judge = Judge {
        config: JudgeConfig {
            interval: often.unwrap_or(known.interval),
            failures: failures.unwrap_or(known.failures),
            rules: Rules {
                min_samples: samples.unwrap_or(known.rules.min_samples),
                ..rules(&table, &known.rules)
            },
        },
        at,
        interval_at: place(interval).or_else(|| defaults.interval_at.clone()),
        min_samples_at: place(min_samples).or_else(|| defaults.min_samples_at.clone()),
    };
    if is_readable {
        judge.has_enough_samples(&table);
    }
    judge
}

/// All but the samples.
fn rules(table: &Table<'_>, known: &Rules) -> Rules {
    let share = |key, most: f64, bounds| {
        let fits = |share| share > 0.0 && share <= most;
        table.get(key)?.number(fits, bounds)
    };
    let delta = table.get("max_error_rate_delta");
    let delta = delta.and_then(|value| value.number(|delta| delta > 0.0 && delta < 1.0, DELTA));
    let errors = table.get("min_errors").and_then(|value| count(&value));
    let undecided = table.get("on_inconclusive");
    let undecided = undecided.and_then(|value| rolls_back_undecided(&value));
    Rules {
        alpha: share("alpha", 0.2, ALPHA).unwrap_or(known.alpha),
        max_error_rate_delta: delta.unwrap_or(known.max_error_rate_delta),
        p99_tolerance: tolerance(table, known.p99_tolerance),
        min_errors: errors.unwrap_or(known.min_errors),
        hard_error_rate: share("hard_error_rate", 1.0, HARD).unwrap_or(known.hard_error_rate),
        rolls_back_undecided: undecided.unwrap_or(known.rolls_back_undecided),
        ..known.clone()
    }
}

fn count(value: &Value<'_>) -> Option<u64> {
    value.integer(1..=u32::MAX).map(u64::from)
}

fn place(value: Option<Value<'_>>) -> Option<Place> {
    value.map(|value| value.place)
}

impl Judge {
    /// What holds for a route.
    pub(super) fn of_route(
        &self,
        route: &Table<'_>,
        phase: Option<&At<Phase>>,
        times: &StepTimes,
    ) -> JudgeConfig {
        if let Some(at) = &self.at {
            needs_both(route, phase, at, "judged");
        }
        self.looks_often_enough(route, times);
        let mut config = self.config.clone();
        config.rules.step_min = times.min.unwrap_or(config.rules.step_min);
        config.rules.step_max = times.max.unwrap_or(config.rules.step_max);
        config
    }

    /// Latency is only judged by enough requests. What the defaults say is refused where they say it.
    fn has_enough_samples(&self, table: &Table<'_>) {
        let rules = &self.config.rules;
        if rules.p99_tolerance.is_none() || rules.min_samples >= LEAST_SAMPLES_WITH_LATENCY {
            return;
        }
        let least = LEAST_SAMPLES_WITH_LATENCY;
        let own = ["min_samples", "latency"];
        let Some(at) = own.into_iter().find_map(|key| table.at(key)) else {
            return;
        };
        let help = format!("write min_samples = {least} or more, or latency = false");
        let error = if table.has("min_samples") {
            let said = format!("is too few to judge latency by, which takes {least} or more");
            Diagnostic::error(&at, said)
        } else {
            let said = format!(
                "latency cannot be judged by min_samples = {}: it takes {least} or more",
                rules.min_samples
            );
            let error = Diagnostic::error(&at, said);
            match &self.min_samples_at {
                Some(samples) => error.also(samples, "as the defaults say"),
                None => error,
            }
        };
        table.reading.report(error.help(help));
    }

    /// At least once a step.
    fn looks_often_enough(&self, route: &Table<'_>, times: &StepTimes) {
        let interval = self.config.interval;
        let Some(min) = times.min.filter(|min| interval > *min) else {
            return;
        };
        let inside = |at: &&Place| {
            self.at
                .as_ref()
                .is_some_and(|own| at.path.starts_with(&own.path))
        };
        let own = self.interval_at.as_ref().filter(inside);
        let longer = format!("is longer than step_min, {}", show_duration(min));
        let error = match (own, &times.min_at, &self.interval_at) {
            (Some(own), Some(min), _) => Diagnostic::error(own, longer).also(min, "step_min"),
            (None, Some(min), written) => {
                let said = format!(
                    "is shorter than the interval of the judge, {}",
                    show_duration(interval)
                );
                let error = Diagnostic::error(min, said);
                match written {
                    Some(written) => error.also(written, "as the defaults say"),
                    None => error,
                }
            }
            (_, None, Some(written)) => Diagnostic::error(written, longer),
            (_, None, None) => return,
        };
        let help = "evidence is taken each interval, and a step is looked at each step_min: let interval be shorter";
        route.reading.report(error.help(help));
    }
}

fn often(value: &Value<'_>) -> Option<Duration> {
    let read = value.wait()?;
    if read < SHORTEST_INTERVAL {
        value.wrong(
            "is too short to see anything in",
            "write \"1s\" or longer; 10s is usual",
        );
        return None;
    }
    Some(read)
}

/// How much slower the service may be, if that is judged at all.
fn tolerance(table: &Table<'_>, known: Option<f64>) -> Option<f64> {
    let latency = table.get("latency");
    let written = table.get("p99_tolerance");
    let said = latency.as_ref().and_then(Value::boolean);
    let is_judged = said.unwrap_or(known.is_some());
    let tolerance = written
        .as_ref()
        .and_then(|value| value.number(|times| times > 1.0 && times <= 100.0, TOLERANCE));
    if let (Some(written), false) = (&written, is_judged) {
        let error = Diagnostic::error(&written.key, "means nothing: latency is not judged");
        let (error, help) = match &latency {
            Some(latency) => (error.also(&latency.key, "here"), "take one of the two out"),
            None => (error, "add latency = true: the defaults say false"),
        };
        table.reading.report(error.help(help));
    }
    let default = known.or(Rules::default().p99_tolerance);
    tolerance.or(default).filter(|_| is_judged)
}

fn counted(value: &Value<'_>) -> Option<Failures> {
    let listed = value.each(|entry| entry.choice(&FAILURES))?;
    if value.list().is_some_and(|list| list.is_empty()) {
        value.wrong(
            "is empty: nothing would ever count as failed",
            "list some of \"5xx\", \"timeout\" and \"connect\"",
        );
        return None;
    }
    let has = |failure| listed.iter().any(|listed| listed.value == failure);
    Some(Failures {
        answers: has(Failure::Answer),
        timeouts: has(Failure::Timeout),
        connections: has(Failure::Connection),
    })
}

fn rolls_back_undecided(value: &Value<'_>) -> Option<bool> {
    if value.raw.as_str() == Some("advance") {
        value.wrong(
            "time alone never promotes: a canary that hardly anybody asks would pass unseen",
            "write \"hold\" or \"rollback\"",
        );
        return None;
    }
    value.choice(&[("hold", false), ("rollback", true)])
}
