//! Changes of how a route's requests are copied.

use std::fmt::Display;

use super::{Changes, words};
use crate::config::units::{show_duration, show_size};
use crate::shadow::config::{Credentials, ShadowConfig};

pub(super) fn between(
    changes: &mut Changes,
    route: &str,
    old: Option<&ShadowConfig>,
    new: Option<&ShadowConfig>,
) {
    let name = format!("{route} shadow");
    let (old, new) = match (old, new) {
        (Some(old), Some(new)) => (old, new),
        (None, None) => return,
        (None, Some(new)) => {
            changes.say(&name, "none", new.percent);
            return;
        }
        (Some(old), None) => {
            changes.say(&name, old.percent, "none");
            return;
        }
    };
    changes.say(&name, old.percent, new.percent);
    let mut say = |key: &str, show: &dyn Fn(&ShadowConfig) -> String| {
        changes.say(format!("{name} {key}"), show(old), show(new));
    };
    say("reverse", &|shadow| shadow.reverse.to_string());
    say("compare", &|shadow| shadow.compare.to_string());
    say("methods", &|shadow| words(&shadow.methods));
    say("writes", &|shadow| shadow.writes.to_string());
    say("credentials", &|shadow| {
        credentials(shadow.credentials).to_owned()
    });
    say("timeout", &|shadow| show_duration(shadow.timeout));
    say("queue", &|shadow| shadow.queue.to_string());
    say("concurrency", &|shadow| shadow.concurrency.to_string());
    say("max_body", &|shadow| show_size(shadow.max_body as u64));
    say("max_response", &|shadow| {
        show_size(shadow.max_response as u64)
    });
    say("noise_percent", &|shadow| shadow.noise.to_string());
    say("compare_headers", &|shadow| words(&shadow.rules.headers));
    say("ignore", &|shadow| words(&shadow.rules.ignore));
    say("redact", &|shadow| words(&shadow.rules.redact));
    say("gate", &|shadow| {
        gate(&shadow.gate.min_compared, &shadow.gate.max_mismatch_rate)
    });
    changes.say_only(
        format!("{name} unordered"),
        &old.rules.unordered,
        &new.rules.unordered,
    );
    changes.say_only(
        format!("{name} tolerance"),
        &old.rules.tolerance,
        &new.rules.tolerance,
    );
}

fn credentials(credentials: Credentials) -> &'static str {
    match credentials {
        Credentials::Identity => "identity",
        Credentials::None => "none",
        Credentials::Forward => "forward",
    }
}

fn gate(least: &dyn Display, most: &dyn Display) -> String {
    format!("{least} pairs at {most}")
}
