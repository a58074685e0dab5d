//! Who moves during a canary: a route's `canary`, and `[flag.NAME]`.

use std::collections::{BTreeMap, BTreeSet};

use http::Method;
use strangler::{People, Percent, Split};

use crate::config::matching::method;
use crate::config::report::{At, Place};
use crate::config::table::Table;
use crate::config::value::Value;
use crate::side::config::FlagConfig;

/// Flags by name, and where their lists of people stand.
pub(super) type Flags = BTreeMap<String, FlagConfig>;

/// A route's `canary`, as far as it says something.
pub(super) struct Canary {
    pub(super) percent: Option<Percent>,
    /// Writes stay on legacy unless they are listed.
    pub(super) methods: BTreeSet<String>,
    pub(super) allow: People,
    pub(super) deny: People,
    /// The keys that a flag would decide, where they are given.
    pub(super) flags_own: Vec<Place>,
    /// The lists that only a known caller can be on, where they are given.
    pub(super) lists: Vec<Place>,
    /// Where `percent` is given, even if wrong.
    pub(super) percent_at: Option<Place>,
    pub(super) methods_at: Option<Place>,
}

pub(super) fn canary(table: &Table<'_>) -> Canary {
    let percent = table.get("percent");
    let methods = table.get("methods");
    let mut lists = Vec::new();
    let allow = people(table, "allow", &mut lists);
    let deny = people(table, "deny", &mut lists);
    let percent_at = percent.as_ref().map(|value| value.key.clone());
    let listed = methods.as_ref().and_then(|value| value.each(method));
    if let (Some(value), Some([])) = (&methods, listed.as_deref())
        && value.list().is_some_and(|list| list.is_empty())
    {
        value.wrong(
            "is empty: nothing would ever move",
            "list methods, such as \"GET\" and \"HEAD\"",
        );
    }
    Canary {
        percent: percent.as_ref().and_then(Value::percent),
        methods: listed.map_or_else(reads, |listed| names(&listed)),
        allow,
        deny,
        flags_own: percent_at.iter().chain(&lists).cloned().collect(),
        lists,
        percent_at,
        methods_at: methods.map(|value| value.place),
    }
}

pub(super) fn flag(name: &str, table: &Table<'_>) -> FlagConfig {
    let enabled = table.get("enabled").and_then(|value| value.boolean());
    let percent = table.required("percent", "25, or another number from 0 to 100");
    let mut lists = Vec::new();
    FlagConfig {
        name: name.to_owned(),
        split: Split {
            enabled: enabled.unwrap_or(true),
            percent: percent
                .and_then(|value| value.percent())
                .unwrap_or(Percent::NONE),
            methods: reads(),
            allow: people(table, "allow", &mut lists),
            deny: people(table, "deny", &mut lists),
        },
    }
}

/// What a canary moves when it does not say.
pub(super) fn reads() -> BTreeSet<String> {
    [Method::GET, Method::HEAD]
        .iter()
        .map(ToString::to_string)
        .collect()
}

fn names(methods: &[At<Method>]) -> BTreeSet<String> {
    methods.iter().map(|at| at.value.to_string()).collect()
}

fn people(table: &Table<'_>, key: &'static str, lists: &mut Vec<Place>) -> People {
    let table = table.table(key);
    let mut list = |key| {
        let Some(value) = table.get(key) else {
            return BTreeSet::new();
        };
        let words = value.words().unwrap_or_default();
        if !words.is_empty() {
            lists.push(value.key.clone());
        }
        words.into_iter().map(|word| word.value).collect()
    };
    People {
        users: list("users"),
        groups: list("groups"),
    }
}
