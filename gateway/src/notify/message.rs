//! What a webhook is told of an event.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::store::outbox::Message;
use crate::store::rows::Event;

/// As it is posted.
#[derive(Debug, Serialize)]
struct Body<'e> {
    r#type: &'static str,
    timestamp: String,
    data: Data<'e>,
}

#[derive(Debug, Serialize)]
struct Data<'e> {
    event: &'e str,
    route: &'e str,
    from: &'e str,
    to: &'e str,
    actor: &'e str,
    who: &'e str,
    why: &'e str,
    generation: u64,
    detail: Option<&'e RawValue>,
}

/// The message for one webhook. Its id is made here, once, and kept with it.
pub fn of(event: &Event, webhook: &str) -> Message {
    let detail = event.detail.as_deref();
    let body = Body {
        r#type: kind(event),
        timestamp: timestamp(event),
        data: Data {
            event: &event.id,
            route: &event.route,
            from: &event.from,
            to: &event.to,
            actor: &event.actor,
            who: &event.who,
            why: &event.why,
            generation: event.generation,
            detail: detail.and_then(|text| serde_json::from_str(text).ok()),
        },
    };
    Message {
        id: named("msg"),
        webhook: webhook.to_owned(),
        event: event.id.clone(),
        // Texts and numbers are always JSON.
        body: serde_json::to_string(&body).unwrap_or_default(),
        created: event.at,
    }
}

/// 128 random bits. Unique, not secret.
pub(super) fn named(kind: &str) -> String {
    format!("{kind}_{:032x}", fastrand::u128(..))
}

/// What receivers may choose by. What was and is in force is told as operators read it, `canary 5 %` or
/// `legacy (killed by ana: …)`: the first word is the phase.
fn kind(event: &Event) -> &'static str {
    let (from, to) = (phase(&event.from), phase(&event.to));
    match (to, event.actor.as_str()) {
        _ if killed(&event.to) && !killed(&event.from) => "route.killed",
        ("rolled_back", _) if from != to => "route.rolled_back",
        ("blocked", _) if from != to => "route.blocked",
        ("migrated", "judge" | "api") if from == "canary" => "route.promoted",
        ("canary", _) if from == to && share(&event.from) < share(&event.to) => "route.advanced",
        _ if from != to => "route.phase_changed",
        _ => "route.changed",
    }
}

fn phase(told: &str) -> &str {
    told.split(' ').next().unwrap_or_default()
}

/// A canary's, where it is told.
fn share(told: &str) -> Option<f64> {
    told.split(' ').nth(1)?.parse().ok()
}

/// Of one route, or of all of them.
fn killed(told: &str) -> bool {
    told.starts_with("killed by") || told.starts_with("legacy (killed by")
}

fn timestamp(event: &Event) -> String {
    let millis = i64::try_from(event.at.as_millis()).unwrap_or(i64::MAX);
    let at = jiff::Timestamp::from_millisecond(millis).unwrap_or_default();
    format!("{at:.3}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn event(actor: &str, from: &str, to: &str) -> Event {
        Event {
            id: "evt_1".to_owned(),
            at: Duration::from_millis(1_800_000_000_250),
            route: "orders".to_owned(),
            from: from.to_owned(),
            to: to.to_owned(),
            actor: actor.to_owned(),
            generation: 7,
            ..Event::default()
        }
    }

    #[test]
    fn a_body_says_what_happened_and_what_is_known_of_it() {
        let event = Event {
            detail: Some("{\"trigger\":\"failed\",\"users\":48}".to_owned()),
            why: "prices \"wrong\"".to_owned(),
            ..event("judge", "canary 5 %", "rolled_back")
        };
        let message = of(&event, "ops");
        assert_eq!(
            message.body,
            "{\"type\":\"route.rolled_back\",\"timestamp\":\"2027-01-15T08:00:00.250Z\",\"data\":{\
             \"event\":\"evt_1\",\"route\":\"orders\",\"from\":\"canary 5 %\",\"to\":\"rolled_back\",\
             \"actor\":\"judge\",\"who\":\"\",\"why\":\"prices \\\"wrong\\\"\",\"generation\":7,\
             \"detail\":{\"trigger\":\"failed\",\"users\":48}}}"
        );
        assert_eq!((message.webhook.as_str(), message.id.len()), ("ops", 36));
        assert_ne!(message.id, of(&event, "ops").id);
    }

    #[test]
    fn types_are_told_apart_by_what_was_and_is_in_force() {
        for (actor, from, to, kind) in [
            ("config", "-", "legacy", "route.phase_changed"),
            ("config", "shadow", "canary", "route.phase_changed"),
            ("config", "canary 5 %", "canary 25 %", "route.advanced"),
            ("config", "canary 25 %", "canary 5 %", "route.changed"),
            ("judge", "canary 5 %", "canary 25 %", "route.advanced"),
            ("api", "canary 50 %", "migrated", "route.promoted"),
            ("config", "canary 50 %", "migrated", "route.phase_changed"),
            ("judge", "canary 50 %", "migrated", "route.promoted"),
            ("judge", "canary 5 %", "rolled_back", "route.rolled_back"),
            ("judge", "canary 5 %", "blocked", "route.blocked"),
            (
                "api",
                "canary",
                "rolled_back (rolled back by ana, 2026: prices)",
                "route.rolled_back",
            ),
            (
                "api",
                "canary",
                "canary (held by ana, 2026: lunch)",
                "route.changed",
            ),
            (
                "api",
                "canary",
                "legacy (killed by ana, 2026: 500s)",
                "route.killed",
            ),
            (
                "api",
                "legacy (killed by ana, 2026: 500s)",
                "canary",
                "route.phase_changed",
            ),
            (
                "api",
                "as each route is",
                "killed by ana, 2026: 500s",
                "route.killed",
            ),
        ] {
            let told = super::kind(&event(actor, from, to));
            assert_eq!(told, kind, "{actor}: {from} -> {to}");
        }
    }
}
