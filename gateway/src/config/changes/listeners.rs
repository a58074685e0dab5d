//! Changes of `[edge]`, `[internal]`, `[admin]`, `[log]` and `[state]`: the part that may need a restart.

use std::path::Path;

use chassis::telemetry::lines::Target;

use super::{Changes, words};
use crate::config::Config;
use crate::config::units::{show_duration, show_size};
use crate::listener::config::{AdminConfig, InternalConfig};

pub(super) fn between(changes: &mut Changes, old: &Config, new: &Config) {
    edge(changes, old, new);
    internal(changes, old.internal.as_ref(), new.internal.as_ref());
    let (was, is) = (&old.admin, &new.admin);
    changes.say("admin.trusted", words(&was.trusted), words(&is.trusted));
    let before = changes.said.len();
    admin(changes, old, new);
    log(changes, old, new);
    let path = |config: &Config| config.state.path.display().to_string();
    changes.say("state.path", path(old), path(new));
    // Its password may be all that changes.
    changes.say_only("state.redis", &old.state.redis, &new.state.redis);
    // The rest of admin, and the log, are set up once, before the first request.
    changes.needs_restart_from(before);
    for (what, was, is) in [
        (
            "observe_gap_max",
            old.state.observe_gap_max,
            new.state.observe_gap_max,
        ),
        (
            "retire_after",
            old.state.retire_after,
            new.state.retire_after,
        ),
    ] {
        changes.say(
            format!("state.{what}"),
            show_duration(was),
            show_duration(is),
        );
    }
}

fn internal(changes: &mut Changes, old: Option<&InternalConfig>, new: Option<&InternalConfig>) {
    let before = changes.said.len();
    match (old, new) {
        (None, None) => {}
        (None, Some(_)) => changes.said.push("internal added".to_owned()),
        (Some(_), None) => changes.said.push("internal removed".to_owned()),
        (Some(old), Some(new)) => changes.say("internal.bind", old.bind, new.bind),
    }
    changes.needs_restart_from(before);
    if let (Some(old), Some(new)) = (old, new) {
        changes.say(
            "internal.trusted_callers",
            words(&old.trusted_callers),
            words(&new.trusted_callers),
        );
    }
}

fn admin(changes: &mut Changes, old: &Config, new: &Config) {
    let (was, is) = (&old.admin, &new.admin);
    changes.say("admin.bind", was.bind, is.bind);
    changes.say(
        "admin.metrics",
        format!("{:?}", was.metrics).to_lowercase(),
        format!("{:?}", is.metrics).to_lowercase(),
    );
    // Compared as a whole, with the rest made alike: a token is never taken out of its wrapping here.
    let same_but_token = AdminConfig {
        token: is.token.clone(),
        ..was.clone()
    };
    changes.say_only("admin.token", was, &same_but_token);
}

fn log(changes: &mut Changes, old: &Config, new: &Config) {
    let (was, is) = (&old.log, &new.log);
    changes.say("log.level", &was.level, &is.level);
    changes.say(
        "log.format",
        format!("{:?}", was.format).to_lowercase(),
        format!("{:?}", is.format).to_lowercase(),
    );
    changes.say("log.access", target(&was.access), target(&is.access));
}

fn edge(changes: &mut Changes, old: &Config, new: &Config) {
    let (was, is) = (&old.edge, &new.edge);
    let before = changes.said.len();
    changes.say("edge.bind", was.bind, is.bind);
    changes.say("edge.workers", was.workers, is.workers);
    changes.say(
        "edge.max_connections",
        was.max_connections,
        is.max_connections,
    );
    changes.needs_restart_from(before);
    changes.say(
        "edge.trusted_proxies",
        words(&was.trusted_proxies),
        words(&is.trusted_proxies),
    );
    let name = |via: &Option<String>| via.clone().unwrap_or("one at random".to_owned());
    changes.say("edge.via", name(&was.via), name(&is.via));
    changes.say("edge.http2", was.http2, is.http2);
    for (what, was, is) in [
        ("header_timeout", was.header_timeout, is.header_timeout),
        ("idle_timeout", was.idle_timeout, is.idle_timeout),
        (
            "body_idle_timeout",
            was.body_idle_timeout,
            is.body_idle_timeout,
        ),
        ("drain", was.drain, is.drain),
    ] {
        changes.say(
            format!("edge.{what}"),
            show_duration(was),
            show_duration(is),
        );
    }
    for (what, was, is) in [
        (
            "max_header_bytes",
            was.max_header_bytes,
            is.max_header_bytes,
        ),
        ("max_uri", was.max_uri, is.max_uri),
    ] {
        let show = |bytes| show_size(bytes as u64);
        changes.say(format!("edge.{what}"), show(was), show(is));
    }
    changes.say("edge.max_headers", was.max_headers, is.max_headers);
}

fn target(target: &Target) -> String {
    match target {
        Target::Stdout => "stdout".to_owned(),
        Target::Off => "off".to_owned(),
        Target::File(path) => Path::display(path).to_string(),
    }
}
