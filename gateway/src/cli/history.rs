//! `banyan history [ROUTE]`: what happened to a route, the newest last.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::Value;

use super::remote::{Remote, RemoteArgs};
use super::{Output, print};
use crate::store::rows::Event;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only what happened to this one; it may have left the file.
    route: Option<String>,
    /// So many events at most, the newest ones.
    #[arg(long, value_name = "N", default_value = "50", value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    #[command(flatten)]
    remote: RemoteArgs,
    /// How to say it.
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let limit = args.limit.to_string();
    let mut query = vec![("limit", limit.as_str())];
    query.extend(args.route.as_deref().map(|route| ("route", route)));
    let mut events: Vec<Event> = Remote::at(&args.remote)?.find(&["events"], &query)?;
    events.reverse();
    print::line(&match args.output {
        Output::Json => serde_json::to_string(&events)?,
        Output::Text if events.is_empty() => "nothing has happened yet".to_owned(),
        Output::Text => {
            let lines: Vec<String> = events.iter().map(line).collect();
            lines.join("\n")
        }
    });
    Ok(())
}

/// When, what, who and why, and what else is known.
fn line(event: &Event) -> String {
    let route = match event.route.as_str() {
        "*" => "all routes",
        route => route,
    };
    let mut said = format!(
        "{}  {route}: {} -> {}",
        time(event.at),
        event.from,
        event.to
    );
    // An operator's word is in what is in force since.
    if !event.to.contains(&format!(" by {}", event.who)) || event.who.is_empty() {
        let _ = write!(said, "  by {}", who(event));
        if !event.why.is_empty() {
            let _ = write!(said, ": {}", event.why);
        }
    }
    if let Some(known) = detail(event) {
        let _ = write!(said, "\n{:21}{known}", "");
    }
    said
}

fn who(event: &Event) -> String {
    match (event.who.as_str(), event.actor.as_str()) {
        ("", "config") => format!("the file, generation {}", event.generation),
        ("", actor) => format!("the {actor}"),
        (who, _) => who.to_owned(),
    }
}

/// Of a rollback: "rolled back at 5 %, found after 12 s: trigger failed; 48 users, 97 requests, 49 failed". What is known of
/// something else, by name.
fn detail(event: &Event) -> Option<String> {
    let Value::Object(known) = serde_json::from_str(event.detail.as_deref()?).ok()? else {
        return None;
    };
    let number = |name: &str| known.get(name).and_then(Value::as_f64);
    let trigger = known.get("trigger").and_then(Value::as_str);
    if let (Some(share), Some(after), Some(trigger)) =
        (number("percent"), number("detected_after"), trigger)
    {
        let counts = ["users", "requests", "failed"].into_iter();
        let counts = counts.filter_map(|name| Some(format!("{} {name}", number(name)?)));
        let counts: Vec<String> = counts.collect();
        return Some(format!(
            "rolled back at {share} %, found after {after:.0} s: trigger {trigger}; {}",
            counts.join(", "),
            trigger = trigger.replace('_', " "),
        ));
    }
    let all = known.iter().map(|(name, value)| match value {
        Value::String(text) => format!("{name} {text}"),
        value => format!("{name} {value}"),
    });
    Some(all.collect::<Vec<_>>().join(", "))
}

fn time(at: Duration) -> String {
    let second = i64::try_from(at.as_secs()).unwrap_or(i64::MAX);
    let at = jiff::Timestamp::from_second(second).unwrap_or_default();
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(actor: &str, who: &str, from: &str, to: &str) -> Event {
        Event {
            at: Duration::from_hours(500_000),
            route: "orders".to_owned(),
            from: from.to_owned(),
            to: to.to_owned(),
            actor: actor.to_owned(),
            who: who.to_owned(),
            why: "prices are wrong".to_owned(),
            generation: 3,
            ..Event::default()
        }
    }

    #[test]
    fn a_line_says_when_what_who_and_why() {
        let told = line(&event("config", "ana", "shadow", "canary"));
        let expected = "2027-01-15 08:00:00  orders: shadow -> canary  by ana: prices are wrong";
        assert_eq!(told, expected);
        let saved = Event {
            why: String::new(),
            ..event("config", "", "shadow", "canary")
        };
        let expected = "2027-01-15 08:00:00  orders: shadow -> canary  by the file, generation 3";
        assert_eq!(line(&saved), expected);
        let word = "legacy (killed by ana, 2027-01-15 08:00 UTC: prices are wrong)";
        let killed = Event {
            route: "*".to_owned(),
            ..event("api", "ana", "canary", word)
        };
        let expected = format!("2027-01-15 08:00:00  all routes: canary -> {word}");
        assert_eq!(line(&killed), expected);
    }

    #[test]
    fn a_rollback_says_who_was_exposed_and_for_how_long() {
        let detail = r#"{"percent":5.0,"trigger":"failed","users":48,"requests":97,"failed":49,"detected_after":12.2,"step_age":40.0}"#;
        let rolled_back = Event {
            detail: Some(detail.to_owned()),
            ..event("judge", "", "canary 5 %", "rolled_back")
        };
        assert_eq!(
            line(&rolled_back),
            "2027-01-15 08:00:00  orders: canary 5 % -> rolled_back  by the judge: prices are wrong\n\
             \u{20}                    rolled back at 5 %, found after 12 s: trigger failed; 48 users, 97 requests, 49 failed"
        );
        let other = Event {
            detail: Some("{\"epoch\":2,\"of\":\"x\"}".to_owned()),
            ..rolled_back
        };
        assert!(line(&other).ends_with("epoch 2, of x"), "{}", line(&other));
    }
}
