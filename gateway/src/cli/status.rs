//! `banyan status`: how far the migration has got.

use std::time::Duration;

use chassis::clock::Clock;
use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use strangler::Phase;

use super::remote::{Remote, RemoteArgs};
use super::{Output, print};
use crate::progress::window::Sum;
use crate::replicas::Company;
use crate::scoreboard::judge::JudgeRow;
use crate::scoreboard::{GateRow, RouteRow, Scoreboard};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only this route, with all that is known of it.
    route: Option<String>,
    #[command(flatten)]
    remote: RemoteArgs,
    /// Show it again every two seconds.
    #[arg(long)]
    watch: bool,
    /// How to say it.
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let remote = Remote::at(&args.remote)?;
    if args.watch {
        print::watched(args.output, || said(args, &remote))
    } else {
        print::line(&said(args, &remote)?);
        Ok(())
    }
}

fn said(args: &Args, remote: &Remote) -> anyhow::Result<String> {
    let now = Clock::system().unix().as_secs_f64();
    if let Some(route) = &args.route {
        let row: RouteRow = remote.get(&["migrations", route])?;
        return match args.output {
            Output::Json => Ok(serde_json::to_string(&row)?),
            Output::Text => Ok(one(&row, now)),
        };
    }
    let board: Scoreboard = remote.get(&["migrations"])?;
    match args.output {
        Output::Json => Ok(serde_json::to_string(&board)?),
        Output::Text => Ok(all(&board, now)),
    }
}

/// The table, then what needs words.
fn all(board: &Scoreboard, now: f64) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING);
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header([
        "ROUTE",
        "DECLARED",
        "EFFECTIVE",
        "SERVICE",
        "ERRORS L | S",
        "P99 L | S",
        "MISMATCHES",
        "LEGACY USED",
        "RETIRE",
    ]);
    for row in &board.routes {
        table.add_row([
            row.route.clone(),
            row.percent.map_or_else(
                || row.declared.clone(),
                |percent| format!("{} {percent} %", row.declared),
            ),
            in_force(row),
            share(
                row.service_share,
                row.legacy.requests + row.service.requests,
            ),
            pair(&row.legacy, &row.service, errors),
            pair(&row.legacy, &row.service, p99),
            mismatches(row),
            row.legacy_last_used
                .map_or_else(|| "-".to_owned(), |at| ago(now - at)),
            retire(row),
        ]);
    }
    let mut lines = vec![table.trim_fmt(), String::new()];
    lines.push(format!(
        "services answered {} of the requests to routes that move, in the last {} min; generation {}",
        percent(board.migrated_share),
        board.minutes,
        board.generation
    ));
    lines.extend(
        board
            .killed
            .iter()
            .map(|killed| format!("all routes are {killed}")),
    );
    for row in &board.routes {
        let reason = row.effective.reason.iter();
        lines.extend(reason.map(|reason| format!("{}: {reason}", row.route)));
        let judge = row.judge.as_ref().filter(|judge| {
            row.effective.phase == Phase::Canary.as_str()
                && is_news(judge.step, judge.verdict.as_deref())
        });
        lines.extend(judge.and_then(|judge| Some(format!("{}: {}", row.route, in_words(judge)?))));
    }
    lines.extend(board.company.as_ref().map(company));
    let trouble = board.trouble.iter();
    lines.extend(trouble.map(|trouble| format!("state is not kept: {trouble}")));
    lines.join("\n")
}

/// All that is known of one route.
fn one(row: &RouteRow, now: f64) -> String {
    let mut lines = vec![row.route.clone()];
    let mut line = |what: &str, said: String| lines.push(format!("  {what:15} {said}"));
    let reason = row.effective.reason.as_ref();
    let reason = reason.map_or_else(String::new, |reason| format!(": {reason}"));
    line("declared", format!("{}, {}", row.declared, row.split));
    line("effective", format!("{}{reason}", row.effective.phase));
    if let Some(since) = row.since {
        line("since", ago(now - since));
    }
    for (side, sum) in [("legacy", &row.legacy), ("service", &row.service)] {
        let said = format!(
            "{} requests, {} failed ({}), p50 {}, p95 {}, p99 {}",
            sum.requests,
            sum.failed,
            percent(sum.error_rate),
            millis(sum.p50_ms),
            millis(sum.p95_ms),
            millis(sum.p99_ms)
        );
        line(side, said);
    }
    if let Some(row) = &row.judge {
        judged(row, now, &mut line);
    }
    if let Some(shadow) = &row.shadow {
        let said = format!(
            "{} pairs: {} matched, {} differ only where it is ignored, {} differ; of the recent ones {} count as different",
            shadow.compared,
            shadow.matched,
            shadow.ignored,
            shadow.mismatched,
            percent(shadow.mismatch_rate)
        );
        line("compared", said);
        if let Some(gate) = &shadow.gate {
            line("gate", gate_in_words(gate));
        }
        if shadow.mirrored > 0 {
            line("mirrored", shadow.mirrored.to_string());
        }
        let drops = shadow.dropped.iter();
        let drops: Vec<String> = drops.map(|(why, count)| format!("{count} {why}")).collect();
        if !drops.is_empty() {
            line("dropped", drops.join(", "));
        }
    }
    let used = row.legacy_last_used;
    line(
        "legacy used",
        used.map_or_else(|| "never seen".to_owned(), |at| ago(now - at)),
    );
    line("retire", retire(row));
    if row.rollbacks > 0 {
        line(
            "rollbacks",
            format!("{}, epoch {}", row.rollbacks, row.epoch),
        );
    }
    lines.join("\n")
}

/// How it stands with other gateways.
fn company(company: &Company) -> String {
    let Company {
        me,
        others,
        judge,
        away,
    } = company;
    let gateways = match others.len() {
        0 => "1 gateway".to_owned(),
        others => format!("{} gateways", others + 1),
    };
    match (away, judge) {
        (Some(away), _) => format!("nothing is shared with other gateways, rollouts hold: {away}"),
        (None, None) => format!("this gateway is {me}; who judges for all is not known yet"),
        (None, Some(judge)) if judge == me => format!("{gateways}; this one, {me}, judges for all"),
        (None, Some(judge)) => format!("{gateways}; this one is {me}, {judge} judges for all"),
    }
}

/// The phase in force, and of a canary the share.
fn in_force(row: &RouteRow) -> String {
    match row.share {
        Some(share) if row.effective.phase == Phase::Canary.as_str() => {
            format!("{} {share} %", row.effective.phase)
        }
        _ => row.effective.phase.clone(),
    }
}

/// Whether a list says what the judge thinks: where a person leads by percent, that it holds is nothing to act on.
fn is_news(step: Option<usize>, verdict: Option<&str>) -> bool {
    step.is_some() || verdict.is_some_and(|verdict| verdict != "hold")
}

/// What the judge thinks, in a line.
fn in_words(row: &JudgeRow) -> Option<String> {
    let missing = row.missing.map_or_else(String::new, |missing| {
        format!("; about {missing} more requests to the service")
    });
    Some(format!(
        "{}: {}{missing}",
        row.verdict.as_ref()?,
        row.why.as_ref()?
    ))
}

/// What the judge has seen.
fn judged(row: &JudgeRow, now: f64, line: &mut impl FnMut(&str, String)) {
    let step = row.step.map_or_else(
        || "led by hand".to_owned(),
        |step| format!("step {step} of {}", row.steps),
    );
    let since = ago(now - row.since);
    line(
        "step",
        format!("{} % of the callers, {step}, since {since}", row.percent),
    );
    line(
        "judge",
        in_words(row).unwrap_or_else(|| "has not looked yet".to_owned()),
    );
    let evidence = format!(
        "failures {} of {}, slowness {} of {}; a rollback at {}",
        figure(row.evidence_failed),
        figure(row.bound),
        figure(row.evidence_slow),
        figure(row.bound),
        figure(row.bound),
    );
    line("evidence", evidence);
    let slow = match row.slow_above_ms {
        _ if !row.latency => "latency is not judged".to_owned(),
        None => "slow is not known yet".to_owned(),
        slow => format!("slow above {}", millis(slow)),
    };
    for (side, seen) in [("  on legacy", &row.legacy), ("  on service", &row.service)] {
        line(
            side,
            format!(
                "{} requests, {} failed, {} slow; {} of {} samples; {slow}",
                seen.requests, seen.failed, seen.slow, seen.samples, row.min_samples
            ),
        );
    }
    line("  exposed", format!("about {} callers", row.users));
}

/// Evidence to read.
fn figure(evidence: f64) -> String {
    match evidence {
        small if small < 10.0 => format!("{small:.2}"),
        large if large < 1e6 => format!("{large:.0}"),
        huge => format!("{huge:.0e}"),
    }
}

/// What is left until it may be; nothing once it is.
fn retire(row: &RouteRow) -> String {
    if row.effective.phase == Phase::Retired.as_str() {
        "-".to_owned()
    } else {
        row.retire.left.clone()
    }
}

/// `open`, or why it is closed.
pub(super) fn gate_in_words(gate: &GateRow) -> String {
    if gate.open {
        gate.said.clone()
    } else {
        format!("closed: {}", gate.said)
    }
}

fn pair(legacy: &Sum, service: &Sum, show: fn(&Sum) -> String) -> String {
    format!("{} | {}", show(legacy), show(service))
}

fn errors(sum: &Sum) -> String {
    if sum.requests == 0 {
        return "-".to_owned();
    }
    percent(sum.error_rate)
}

fn p99(sum: &Sum) -> String {
    millis(sum.p99_ms)
}

pub(super) fn millis(time: Option<f64>) -> String {
    match time {
        None => "-".to_owned(),
        Some(time) if time < 10.0 => format!("{time:.1} ms"),
        Some(time) => format!("{time:.0} ms"),
    }
}

fn mismatches(row: &RouteRow) -> String {
    match &row.shadow {
        Some(shadow) if shadow.compared > 0 => {
            format!("{} of {}", percent(shadow.mismatch_rate), shadow.compared)
        }
        _ => "-".to_owned(),
    }
}

fn share(share: f64, of: u64) -> String {
    if of == 0 {
        "-".to_owned()
    } else {
        percent(share)
    }
}

/// Two digits, and more where there would be nothing but zeros.
pub(super) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    let digits = if percent == 0.0 || percent >= 0.1 {
        1
    } else {
        3
    };
    let text = format!("{percent:.digits$}");
    let short = text.trim_end_matches('0').trim_end_matches('.');
    format!("{short} %")
}

/// "3 min ago".
pub(super) fn ago(seconds: f64) -> String {
    let seconds = Duration::try_from_secs_f64(seconds)
        .unwrap_or_default()
        .as_secs();
    match seconds {
        0..60 => format!("{seconds} s ago"),
        60..3_600 => format!("{} min ago", seconds / 60),
        3_600..172_800 => format!("{} h ago", seconds / 3_600),
        _ => format!("{} d ago", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_says_of_a_share_led_by_hand_only_what_somebody_may_act_on() {
        assert!(is_news(Some(1), Some("hold")));
        assert!(is_news(None, Some("rollback")) && is_news(None, Some("advance")));
        assert!(!is_news(None, Some("hold")) && !is_news(None, None));
    }

    #[test]
    fn shares_and_times_are_short_and_never_say_nothing_of_something() {
        for (share, said) in [
            (0.0, "0 %"),
            (0.25, "25 %"),
            (0.0312, "3.1 %"),
            (0.00004, "0.004 %"),
            (1.0, "100 %"),
        ] {
            assert_eq!(percent(share), said);
        }
        for (seconds, said) in [
            (-1.0, "0 s ago"),
            (59.9, "59 s ago"),
            (3_599.0, "59 min ago"),
            (7_200.0, "2 h ago"),
            (172_800.0, "2 d ago"),
        ] {
            assert_eq!(ago(seconds), said);
        }
    }
}
