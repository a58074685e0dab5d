//! Changes of one route.

use super::parts::lists;
use super::{Changes, rollout, shadow, upstream, words};
use crate::auth::config::AuthConfig;
use crate::config::units::{show_duration, show_size};
use crate::forward::config::{BackendConfig, FallbackAnswer, FallbackConfig, PathRewrite};
use crate::route::config::{HostConfig, PathConfig, RouteConfig, Slashes, TargetConfig};
use crate::side::config::MigrationConfig;

pub(super) fn between(changes: &mut Changes, old: &RouteConfig, new: &RouteConfig) {
    let name = &new.name;
    changes.say(
        format!("{name} listeners"),
        words(old.listeners.iter().map(|one| one.as_str())),
        words(new.listeners.iter().map(|one| one.as_str())),
    );
    changes.say(format!("{name} path"), path(&old.path), path(&new.path));
    changes.say(
        format!("{name} hosts"),
        words(old.hosts.iter().map(host)),
        words(new.hosts.iter().map(host)),
    );
    changes.say(
        format!("{name} methods"),
        words(&old.methods),
        words(&new.methods),
    );
    changes.say_only(format!("{name} headers"), &old.headers, &new.headers);
    changes.say_only(format!("{name} query"), &old.query, &new.query);
    changes.say(format!("{name} auth"), auth(&old.auth), auth(&new.auth));
    changes.say(
        format!("{name} rate_limit"),
        words(&old.rate_limit),
        words(&new.rate_limit),
    );
    changes.say(
        format!("{name} timeout"),
        show_duration(old.timeout),
        show_duration(new.timeout),
    );
    changes.say(
        format!("{name} max_body"),
        show_size(old.max_body),
        show_size(new.max_body),
    );
    slashes(changes, name, old.slashes, new.slashes);
    changes.say_only(format!("{name} cors"), &old.cors, &new.cors);
    changes.say_only(
        format!("{name} underscore_fields"),
        &old.underscore_fields,
        &new.underscore_fields,
    );
    changes.say(
        format!("{name} client_deadline"),
        old.client_deadline,
        new.client_deadline,
    );
    changes.say_only(format!("{name} sticky"), &old.sticky, &new.sticky);
    changes.say_only(format!("{name} owner"), &old.owner, &new.owner);
    changes.say_only(format!("{name} note"), &old.note, &new.note);
    target(changes, name, &old.target, &new.target);
    upstream::retry(changes, name, &old.retry, &new.retry);
    fallback(changes, name, old.fallback.as_ref(), new.fallback.as_ref());
}

fn slashes(changes: &mut Changes, name: &str, old: Slashes, new: Slashes) {
    let key = format!("{name} encoded_slash");
    changes.say_only(key, &old.encoded, &new.encoded);
    let mode = |slashes: Slashes| {
        if slashes.observe {
            "observe"
        } else {
            "enforce"
        }
    };
    let key = format!("{name} encoded_slash_mode");
    changes.say(key, mode(old), mode(new));
    changes.say(format!("{name} merge_slashes"), old.merge, new.merge);
}

/// A body may be long: that it is another one is all that is said.
fn fallback(
    changes: &mut Changes,
    name: &str,
    old: Option<&FallbackConfig>,
    new: Option<&FallbackConfig>,
) {
    let before = changes.said.len();
    let who = |config: Option<&FallbackConfig>| match config.map(|config| &config.answer) {
        None => "none".to_owned(),
        Some(FallbackAnswer::Upstream(to)) => format!("upstream {}", backend(to)),
        Some(FallbackAnswer::Respond(respond)) => format!("respond {}", respond.status.as_u16()),
    };
    changes.say(format!("{name} fallback"), who(old), who(new));
    if let (Some(old), Some(new)) = (old, new) {
        let (was, is) = (words(&old.methods), words(&new.methods));
        changes.say(format!("{name} fallback methods"), was, is);
        changes.say_only(format!("{name} fallback on"), &old.on, &new.on);
        if changes.said.len() == before {
            changes.say_only(format!("{name} fallback"), old, new);
        }
    }
}

fn target(changes: &mut Changes, name: &str, old: &TargetConfig, new: &TargetConfig) {
    match (old, new) {
        (TargetConfig::Upstream(old), TargetConfig::Upstream(new)) => {
            changes.say(format!("{name} upstream"), backend(old), backend(new));
        }
        (TargetConfig::Migration(old), TargetConfig::Migration(new)) => {
            migration(changes, name, old, new);
        }
        _ => changes.say(name, who(old), who(new)),
    }
    if let (TargetConfig::Own(old), TargetConfig::Own(new)) = (old, new)
        && old.to_string() == new.to_string()
    {
        changes.say_only(format!("{name} respond"), old, new);
    }
}

fn who(target: &TargetConfig) -> String {
    match target {
        TargetConfig::Upstream(to) => format!("upstream {}", backend(to)),
        TargetConfig::Migration(migration) => format!("two sides, phase {}", migration.phase),
        TargetConfig::Own(own) => own.to_string(),
    }
}

fn migration(changes: &mut Changes, name: &str, old: &MigrationConfig, new: &MigrationConfig) {
    let forced = |on: bool| if on { "legacy" } else { "none" };
    changes.say(
        format!("{name} force"),
        forced(old.forced_legacy),
        forced(new.forced_legacy),
    );
    changes.say(format!("{name} phase"), old.phase, new.phase);
    changes.say(
        format!("{name} legacy"),
        side(old.legacy.as_ref()),
        side(new.legacy.as_ref()),
    );
    changes.say(
        format!("{name} service"),
        side(old.service.as_ref()),
        side(new.service.as_ref()),
    );
    let flag = |config: &MigrationConfig| words(config.flag.as_ref());
    changes.say(format!("{name} flag"), flag(old), flag(new));
    // What a flag decides is said once, at the flag.
    if new.flag.is_none() && old.flag.is_none() {
        changes.say(
            format!("{name} canary"),
            rollout::shares(old),
            rollout::shares(new),
        );
        lists(changes, &format!("{name} canary"), &old.split, &new.split);
    }
    changes.say(
        format!("{name} canary methods"),
        words(&old.split.methods),
        words(&new.split.methods),
    );
    changes.say(format!("{name} salt"), &old.salt, &new.salt);
    changes.say(format!("{name} epoch"), old.epoch, new.epoch);
    changes.say_only(format!("{name} override"), &old.chooser, &new.chooser);
    rollout::between(changes, name, old, new);
    shadow::between(changes, name, old.shadow.as_deref(), new.shadow.as_deref());
}

fn path(path: &PathConfig) -> String {
    match path {
        PathConfig::Prefix(prefix) if prefix.is_empty() => "/".to_owned(),
        PathConfig::Prefix(path) => path.clone(),
        PathConfig::Exact(path) => format!("exact {path}"),
        PathConfig::Pattern(path) => format!("pattern {path}"),
        PathConfig::Regex(path) => format!("regex {path}"),
    }
}

fn host(host: &HostConfig) -> String {
    match host {
        HostConfig::Exact(host) => host.clone(),
        HostConfig::Suffix(suffix) => format!("*{suffix}"),
    }
}

fn auth(auth: &AuthConfig) -> String {
    let AuthConfig::Tokens(tokens) = auth else {
        return "none".to_owned();
    };
    let mut said = tokens.issuers.join(" ");
    for (what, list) in [("scopes", &tokens.scopes), ("groups", &tokens.groups)] {
        if !list.is_empty() {
            said = format!("{said} with {what} {}", list.join(" "));
        }
    }
    if tokens.optional {
        said.push_str(" (optional)");
    }
    said
}

fn side(side: Option<&BackendConfig>) -> String {
    side.map_or_else(|| "none".to_owned(), backend)
}

fn backend(backend: &BackendConfig) -> String {
    let mut said = backend.upstream.clone();
    match &backend.path {
        PathRewrite::Keep => {}
        PathRewrite::Prefix(prefix) if prefix.is_empty() => said.push_str(" without its prefix"),
        PathRewrite::Prefix(prefix) => said = format!("{said} at {prefix}"),
        PathRewrite::Full(path) => said = format!("{said} at exactly {path}"),
    }
    if let Some(host) = &backend.host {
        said = format!("{said} as {}", String::from_utf8_lossy(host.as_bytes()));
    }
    said
}
