//! `[rate_limit.NAME]`: how much.

use std::collections::BTreeMap;

use crate::config::matching::header_name;
use crate::config::report::Diagnostic;
use crate::config::table::Table;
use crate::config::value::{Value, unknown_word};
use crate::rate_limit::config::{
    LimitFields, LimitKey, MissingKey, Mode, Rate, RateLimitConfig, When,
};

const WHEN: [(&str, When); 3] = [
    ("always", When::Always),
    ("unauthenticated", When::Unauthenticated),
    ("authenticated", When::Authenticated),
];
const MISSING: [(&str, MissingKey); 2] = [("ip", MissingKey::Ip), ("deny", MissingKey::Deny)];
const MODE: [(&str, Mode); 2] = [("enforce", Mode::Enforce), ("observe", Mode::Observe)];
const FIELDS: [(&str, LimitFields); 4] = [
    ("ietf", LimitFields::Ietf),
    ("legacy", LimitFields::Legacy),
    ("both", LimitFields::Both),
    ("off", LimitFields::Off),
];

pub(super) fn read(name: &str, table: &Table<'_>) -> Option<RateLimitConfig> {
    let key_value = table.required("key", "\"ip\", or another that is counted");
    let key = key_value.as_ref().and_then(key);
    let rate = table.required("rate", "\"100/s\", or \"600/m\", \"10/h\"");
    let rate = rate.and_then(|value| value.rate());
    let burst = table.get("burst").and_then(|value| value.count());
    let when = table.get("when").and_then(|value| value.choice(&WHEN));
    let on_missing_key = table.get("on_missing_key");
    let on_missing_key = on_missing_key.and_then(|value| value.choice(&MISSING));
    let mode = table.get("mode").and_then(|value| value.choice(&MODE));
    let fields = table.get("headers").and_then(|value| value.choice(&FIELDS));
    let plans = plans(table);
    let when = when.unwrap_or_default();
    if let (Some(value), Some(LimitKey::User | LimitKey::Claim(_)), When::Unauthenticated) =
        (&key_value, &key, when)
    {
        value.wrong(
            "counts by who is calling, but runs only for callers who do not say",
            "use key = \"ip\", or take out when = \"unauthenticated\"",
        );
    }
    let rate = rate?;
    Some(RateLimitConfig {
        name: name.to_owned(),
        key: key?,
        rate,
        burst: burst.unwrap_or(rate.count),
        when,
        on_missing_key: on_missing_key.unwrap_or_default(),
        mode: mode.unwrap_or_default(),
        fields: fields.unwrap_or_default(),
        plans,
    })
}

fn key(value: &Value<'_>) -> Option<LimitKey> {
    let text = value.text()?;
    match text.split_once(':') {
        None if text == "ip" => Some(LimitKey::Ip),
        None if text == "user" => Some(LimitKey::User),
        None if text == "route" => Some(LimitKey::Route),
        Some(("header", name)) => {
            header_name(value, name, "header:x-device-id").map(LimitKey::Header)
        }
        Some(("claim", name)) if !name.is_empty() => Some(LimitKey::Claim(name.to_owned())),
        Some(("claim", _)) => {
            value.wrong("names no claim", "write \"claim:tenant\"");
            None
        }
        _ => {
            let known = ["ip", "user", "route", "header:NAME", "claim:NAME"];
            value
                .reading
                .report(unknown_word(&value.place, &text, &known));
            None
        }
    }
}

/// `plans.gold = "500/s"`
fn plans(table: &Table<'_>) -> BTreeMap<String, Rate> {
    let mut plans = BTreeMap::new();
    for (plan, value) in table.table("plans").open() {
        if plan.value.trim().is_empty() {
            let error = Diagnostic::error(&plan.place, "a plan needs a name");
            table.reading.report(error);
        } else if let Some(rate) = value.rate() {
            plans.insert(plan.value, rate);
        }
    }
    plans
}
