//! What is different between two configurations, in words: the one line that a reload says.

mod listeners;
mod parts;
mod upstream;
mod shadow;
mod rollout;
mod route;

use std::collections::BTreeMap;
use std::fmt;

use crate::config::Config;

/// All differences.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// One entry a change: "products canary 5 % -> 25 %".
    pub said: Vec<String>,
    /// The changes among them that only a restart brings about: "edge.bind 127.0.0.1:80 -> 127.0.0.1:81".
    pub restart: Vec<String>,
}

/// Everything that `new` says otherwise than `old`.
pub fn between(old: &Config, new: &Config) -> Changes {
    let mut changes = Changes::default();
    listeners::between(&mut changes, old, new);
    let servers = |config: &Config| words(&config.dns.servers);
    changes.say("dns.servers", servers(old), servers(new));
    named(
        &mut changes,
        "issuer",
        &old.issuers,
        &new.issuers,
        parts::issuer,
    );
    named(
        &mut changes,
        "limit",
        &old.rate_limits,
        &new.rate_limits,
        parts::limit,
    );
    named(
        &mut changes,
        "upstream",
        &old.upstreams,
        &new.upstreams,
        upstream::between,
    );
    named(
        &mut changes,
        "webhook",
        &old.webhooks,
        &new.webhooks,
        parts::webhook,
    );
    named(&mut changes, "flag", &old.flags, &new.flags, parts::flag);
    named(
        &mut changes,
        "route",
        &old.routes,
        &new.routes,
        route::between,
    );
    changes
}

/// What is there now and was not, what was there and is not, and what became of the rest.
fn named<T: PartialEq>(
    changes: &mut Changes,
    what: &str,
    old: &BTreeMap<String, T>,
    new: &BTreeMap<String, T>,
    between: impl Fn(&mut Changes, &T, &T),
) {
    for name in old.keys().filter(|name| !new.contains_key(*name)) {
        changes.said.push(format!("{what} {name} removed"));
    }
    for (name, new) in new {
        match old.get(name) {
            None => changes.said.push(format!("{what} {name} added")),
            Some(old) if old != new => between(changes, old, new),
            Some(_) => {}
        }
    }
}

impl Changes {
    /// Whether both say the same.
    pub fn is_empty(&self) -> bool {
        self.said.is_empty()
    }

    /// "WHAT OLD -> NEW", if they differ.
    fn say(&mut self, what: impl fmt::Display, old: impl fmt::Display, new: impl fmt::Display) {
        let (old, new) = (old.to_string(), new.to_string());
        if old != new {
            self.said.push(format!("{what} {old} -> {new}"));
        }
    }

    /// What was said since then is brought about by a restart only.
    fn needs_restart_from(&mut self, before: usize) {
        self.restart.extend_from_slice(&self.said[before..]);
    }

    /// "WHAT changed", for what is too long or too secret to show.
    fn say_only<T: PartialEq>(&mut self, what: impl fmt::Display, old: &T, new: &T) {
        if old != new {
            self.said.push(format!("{what} changed"));
        }
    }
}

/// "changes nothing", or all with commas, and which of them need a restart.
impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("changes nothing");
        }
        f.write_str(&self.said.join(", "))?;
        if !self.restart.is_empty() {
            write!(f, "; after a restart only: {}", self.restart.join(", "))?;
        }
        Ok(())
    }
}

/// A list as one word; "none" when it is empty.
fn words<T: fmt::Display>(list: impl IntoIterator<Item = T>) -> String {
    let words: Vec<String> = list.into_iter().map(|word| word.to_string()).collect();
    if words.is_empty() {
        "none".to_owned()
    } else {
        words.join(" ")
    }
}

#[cfg(test)]
mod tests;
