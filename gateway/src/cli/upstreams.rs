//! `banyan upstreams`: which endpoint is out, which breaker is open, why, since when and until when.

use std::time::Duration;

use anyhow::bail;
use chassis::clock::Clock;
use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};

use super::remote::{Remote, RemoteArgs};
use super::status::{ago, millis};
use super::{Output, print};
use crate::config::nearest::nearest;
use crate::scoreboard::upstreams::{BreakerRow, EndpointRow, UpstreamRow, Upstreams};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only this upstream, with all that is known of it.
    name: Option<String>,
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
    let mut found: Upstreams = remote.get(&["upstreams"])?;
    if let Some(name) = &args.name {
        let names = || found.upstreams.iter().map(|row| row.name.as_str());
        if !names().any(|known| known == name) {
            let meant = match nearest(name, names()) {
                Some(meant) => format!("did you mean {meant:?}?"),
                None => format!("there are: {}", names().collect::<Vec<_>>().join(", ")),
            };
            bail!("there is no upstream {name:?}; {meant}");
        }
        found.upstreams.retain(|row| row.name == *name);
    }
    let now = Clock::system().unix().as_secs_f64();
    match args.output {
        Output::Json => Ok(serde_json::to_string(&found)?),
        Output::Text => Ok(in_words(&found.upstreams, args.name.is_some(), now)),
    }
}

/// The table, then what needs words; of one upstream everything.
fn in_words(rows: &[UpstreamRow], all: bool, now: f64) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING);
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header([
        "UPSTREAM",
        "ENDPOINT",
        "STATE",
        "IN FLIGHT",
        "EWMA",
        "TRIES",
        "FAILED",
        "WHY",
    ]);
    for row in rows {
        for endpoint in &row.endpoints {
            table.add_row(cells(row, endpoint, now));
        }
        if row.endpoints.is_empty() {
            table.add_row([&row.name, "-", "no endpoint is known"]);
        }
    }
    let mut lines = vec![table.trim_fmt()];
    let words: Vec<String> = rows.iter().flat_map(|row| words(row, all, now)).collect();
    if !words.is_empty() {
        lines.push(String::new());
        lines.extend(words);
    }
    lines.join("\n")
}

fn cells(row: &UpstreamRow, endpoint: &EndpointRow, now: f64) -> [String; 8] {
    [
        row.name.clone(),
        endpoint.url.clone(),
        endpoint.state.clone(),
        endpoint.in_flight.to_string(),
        millis(endpoint.ewma_ms),
        endpoint.tries.to_string(),
        endpoint.failures.to_string(),
        why(endpoint, now),
    ]
}

fn why(endpoint: &EndpointRow, now: f64) -> String {
    let state = format!("{}: ", endpoint.state);
    let reason = endpoint.reason.as_deref();
    let reason = reason.map(|reason| reason.strip_prefix(&state).unwrap_or(reason).to_owned());
    let since = endpoint.since.map(|since| ago(now - since));
    let until = endpoint
        .until
        .map(|until| format!("back in {}", whole(until - now)));
    let parts: Vec<String> = reason.into_iter().chain(since).chain(until).collect();
    parts.join(", ")
}

/// What the table has no room for: in a list only what is not as it should be.
fn words(row: &UpstreamRow, all: bool, now: f64) -> Vec<String> {
    let mut lines = Vec::new();
    let mut say = |said: String| lines.push(format!("{}: {said}", row.name));
    if row.panic {
        say("PANIC, so few endpoints are well that all of them are asked".to_owned());
    }
    if let Some(trouble) = &row.trouble {
        say(trouble.clone());
    }
    for breaker in &row.breakers {
        if all || breaker.state != "closed" {
            say(breaker_in_words(breaker, now));
        }
    }
    if let Some(bulkhead) = &row.bulkhead
        && (all || bulkhead.held >= bulkhead.concurrent)
    {
        say(format!(
            "bulkhead: {} of {} places are held; {} requests found none so far",
            bulkhead.held, bulkhead.concurrent, bulkhead.refused
        ));
    }
    let budget = &row.budget;
    if all || budget.left == 0 {
        say(format!(
            "retry budget: {} retries for {} requests in {} s, {} left",
            budget.retries, budget.requests, budget.seconds, budget.left
        ));
    }
    if all {
        say(format!("balance {}", row.balance));
        for (what, counts) in [
            ("retried after", &row.retries),
            ("not retried for", &row.stopped),
        ] {
            let counts = counts.iter().filter(|(_, count)| **count > 0);
            let counts: Vec<String> = counts
                .map(|(word, count)| format!("{word} {count}"))
                .collect();
            if !counts.is_empty() {
                say(format!("{what}: {}", counts.join(", ")));
            }
        }
        if row.stale > 0 {
            say(format!(
                "{} kept connections were dead and replaced",
                row.stale
            ));
        }
    }
    lines
}

fn breaker_in_words(breaker: &BreakerRow, now: f64) -> String {
    let BreakerRow {
        calls,
        failed,
        slow,
        opened,
        refused,
        ..
    } = breaker;
    let side = match breaker.side.as_str() {
        "none" => String::new(),
        side => format!(", {side}"),
    };
    let slow = match slow {
        0 => String::new(),
        slow => format!(", {slow} were slow"),
    };
    let counted = format!("{failed} of {calls} tries failed{slow}");
    let state = match (breaker.state.as_str(), breaker.until) {
        ("open", Some(until)) => format!("OPEN, tries again in {}: {counted}", whole(until - now)),
        ("half_open", _) => format!("half open, a few requests find out: {counted}"),
        ("recovering", _) => format!("recovering, a growing share is let through: {counted}"),
        (state, _) => format!("{state}: {counted}"),
    };
    let turned_away = match opened {
        0 => String::new(),
        _ => format!("; opened {opened} times, turned {refused} away"),
    };
    format!(
        "breaker of route {}{side} is {state}{turned_away}",
        breaker.route
    )
}

/// Whole seconds, rounded up: what is not over yet is never in 0 s.
fn whole(seconds: f64) -> String {
    let left = Duration::try_from_secs_f64(seconds).unwrap_or_default();
    let seconds = left.as_secs() + u64::from(left.subsec_nanos() > 0);
    match seconds {
        0..120 => format!("{seconds} s"),
        _ => format!("{} min", seconds.div_ceil(60)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scoreboard::upstreams::{BudgetRow, BulkheadRow};

    const NOW: f64 = 1_000_000.0;

    fn endpoint(port: u16) -> EndpointRow {
        EndpointRow {
            url: format!("http://127.0.0.1:{port}"),
            weight: 1,
            state: "up".into(),
            reason: None,
            since: None,
            until: None,
            in_flight: 3,
            ewma_ms: Some(4.25),
            tries: 1200,
            failures: 0,
            ejections: 0,
        }
    }

    fn orders() -> UpstreamRow {
        let out = EndpointRow {
            state: "ejected".into(),
            reason: Some("ejected: 5 failures in a row, the last connect".into()),
            since: Some(NOW - 12.0),
            until: Some(NOW + 17.2),
            in_flight: 0,
            failures: 5,
            ejections: 1,
            ..endpoint(7002)
        };
        UpstreamRow {
            name: "orders".into(),
            balance: "p2c".into(),
            panic: false,
            panics: 0,
            trouble: None,
            endpoints: vec![endpoint(7001), out],
            bulkhead: Some(BulkheadRow {
                concurrent: 64,
                held: 2,
                refused: 0,
            }),
            budget: BudgetRow {
                seconds: 10,
                requests: 100,
                retries: 5,
                left: 45,
            },
            retries: [("connect".to_owned(), 5), ("reset".to_owned(), 0)].into(),
            stopped: [("budget".to_owned(), 0)].into(),
            stale: 1,
            breakers: vec![BreakerRow {
                route: "orders".into(),
                side: "service".into(),
                state: "closed".into(),
                until: None,
                calls: 20,
                failed: 1,
                slow: 0,
                opened: 0,
                refused: 0,
            }],
        }
    }

    fn squeezed(text: &str) -> Vec<String> {
        let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        text.lines().map(words).collect()
    }

    #[test]
    fn a_list_says_who_is_out_and_why_and_nothing_of_what_is_well() {
        let text = in_words(&[orders()], false, NOW);
        assert_eq!(
            squeezed(&text),
            [
                "UPSTREAM ENDPOINT STATE IN FLIGHT EWMA TRIES FAILED WHY",
                "orders http://127.0.0.1:7001 up 3 4.2 ms 1200 0",
                "orders http://127.0.0.1:7002 ejected 0 4.2 ms 1200 5 5 failures in a row, the last connect, 12 s ago, back in 18 s",
            ]
        );
    }

    #[test]
    fn what_is_wrong_is_said_in_words() {
        let mut row = orders();
        row.panic = true;
        row.budget.left = 0;
        let open = &mut row.breakers[0];
        open.state = "open".into();
        open.until = Some(NOW + 4.0);
        (open.failed, open.slow, open.opened, open.refused) = (12, 2, 1, 31);
        let text = in_words(&[row], false, NOW);
        let words: Vec<&str> = text.lines().skip(4).collect();
        assert_eq!(
            words,
            [
                "orders: PANIC, so few endpoints are well that all of them are asked",
                "orders: breaker of route orders, service is OPEN, tries again in 4 s: 12 of 20 tries failed, 2 were slow; opened 1 times, turned 31 away",
                "orders: retry budget: 5 retries for 100 requests in 10 s, 0 left",
            ]
        );
    }

    #[test]
    fn of_one_all_is_said() {
        let text = in_words(&[orders()], true, NOW);
        let words: Vec<&str> = text.lines().skip(4).collect();
        assert_eq!(
            words,
            [
                "orders: breaker of route orders, service is closed: 1 of 20 tries failed",
                "orders: bulkhead: 2 of 64 places are held; 0 requests found none so far",
                "orders: retry budget: 5 retries for 100 requests in 10 s, 45 left",
                "orders: balance p2c",
                "orders: retried after: connect 5",
                "orders: 1 kept connections were dead and replaced",
            ]
        );
    }
}
