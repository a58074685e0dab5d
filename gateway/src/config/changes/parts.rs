//! Changes of issuers, limits, webhooks and flags.

use strangler::{People, Split};

use super::{Changes, words};
use crate::auth::config::IssuerConfig;
use crate::config::units::{show_duration, show_rate};
use crate::notify::config::WebhookConfig;
use crate::rate_limit::config::RateLimitConfig;
use crate::side::config::FlagConfig;

pub(super) fn issuer(changes: &mut Changes, old: &IssuerConfig, new: &IssuerConfig) {
    let name = format!("issuer {}", new.name);
    let before = changes.said.len();
    changes.say(format!("{name} issuer"), &old.issuer, &new.issuer);
    changes.say(
        format!("{name} audience"),
        words(&old.audience),
        words(&new.audience),
    );
    changes.say(
        format!("{name} required"),
        words(&old.required),
        words(&new.required),
    );
    changes.say(
        format!("{name} algorithms"),
        words(old.algorithms.iter().map(|one| format!("{one:?}"))),
        words(new.algorithms.iter().map(|one| format!("{one:?}"))),
    );
    changes.say(
        format!("{name} leeway"),
        show_duration(old.leeway),
        show_duration(new.leeway),
    );
    changes.say_only(format!("{name} keys"), &old.keys, &new.keys);
    if changes.said.len() == before {
        changes.said.push(format!("{name} changed"));
    }
}

pub(super) fn limit(changes: &mut Changes, old: &RateLimitConfig, new: &RateLimitConfig) {
    let name = format!("limit {}", new.name);
    let before = changes.said.len();
    changes.say(&name, show_rate(old.rate), show_rate(new.rate));
    changes.say(format!("{name} burst"), old.burst, new.burst);
    changes.say(
        format!("{name} mode"),
        format!("{:?}", old.mode).to_lowercase(),
        format!("{:?}", new.mode).to_lowercase(),
    );
    changes.say_only(format!("{name} key"), &old.key, &new.key);
    changes.say_only(format!("{name} plans"), &old.plans, &new.plans);
    if changes.said.len() == before {
        changes.said.push(format!("{name} changed"));
    }
}

/// Many an address of a webhook is a secret itself.
pub(super) fn webhook(changes: &mut Changes, old: &WebhookConfig, new: &WebhookConfig) {
    let name = format!("webhook {}", new.name);
    changes.say_only(format!("{name} url"), &old.url, &new.url);
    for (key, old, new) in [
        ("timeout", old.timeout, new.timeout),
        ("give_up_after", old.give_up_after, new.give_up_after),
    ] {
        let (old, new) = (show_duration(old), show_duration(new));
        changes.say(format!("{name} {key}"), old, new);
    }
    // Compared as a whole, with the rest made alike: a secret is never taken out of its wrapping here.
    let same_but_secret = WebhookConfig {
        secret: new.secret.clone(),
        ..old.clone()
    };
    changes.say_only(format!("{name} secret"), old, &same_but_secret);
}

pub(super) fn flag(changes: &mut Changes, old: &FlagConfig, new: &FlagConfig) {
    let name = format!("flag {}", new.name);
    let switch = |on: bool| if on { "on" } else { "off" };
    changes.say(&name, switch(old.split.enabled), switch(new.split.enabled));
    changes.say(&name, old.split.percent, new.split.percent);
    lists(changes, &name, &old.split, &new.split);
}

/// Who is on a split's lists. A long list only changes; who is on it stands in the file.
pub(super) fn lists(changes: &mut Changes, name: &str, old: &Split, new: &Split) {
    for (list, was, is) in [
        ("allow", &old.allow, &new.allow),
        ("deny", &old.deny, &new.deny),
    ] {
        people(changes, &format!("{name} {list}"), was, is);
    }
}

fn people(changes: &mut Changes, name: &str, old: &People, new: &People) {
    changes.say(
        format!("{name} groups"),
        words(&old.groups),
        words(&new.groups),
    );
    changes.say_only(format!("{name} users"), &old.users, &new.users);
}
