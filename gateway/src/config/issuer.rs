//! `[auth.issuer.NAME]`: whose tokens are believed.

use std::collections::BTreeSet;
use std::time::Duration;

use chassis::secret::{ExposeSecret, SecretString};

use crate::auth::config::{IssuerConfig, JwksUrl, KeySource, SigningAlgorithm};
use crate::config::report::{At, Diagnostic, listed, quoted};
use crate::config::secret;
use crate::config::table::Table;
use crate::config::value::Value;

const ALGORITHMS: [(&str, SigningAlgorithm); 12] = [
    ("HS256", SigningAlgorithm::HS256),
    ("HS384", SigningAlgorithm::HS384),
    ("HS512", SigningAlgorithm::HS512),
    ("RS256", SigningAlgorithm::RS256),
    ("RS384", SigningAlgorithm::RS384),
    ("RS512", SigningAlgorithm::RS512),
    ("PS256", SigningAlgorithm::PS256),
    ("PS384", SigningAlgorithm::PS384),
    ("PS512", SigningAlgorithm::PS512),
    ("ES256", SigningAlgorithm::ES256),
    ("ES384", SigningAlgorithm::ES384),
    ("EdDSA", SigningAlgorithm::EdDSA),
];

const REQUIRED: [&str; 3] = ["exp", "iss", "aud"];

/// A longer token would not fit into the largest header that `[edge]` allows.
const MAX_TOKEN: (usize, usize) = (64, 1024 * 1024);

/// An issuer with all that can be said about it; only one without mistakes is given back.
pub(super) fn read(name: &str, table: &Table<'_>) -> Option<IssuerConfig> {
    let word = |key, default: &str| {
        let read = table.get(key).and_then(|value| value.word());
        read.unwrap_or_else(|| default.to_owned())
    };
    let issuer = table.required(
        "issuer",
        "\"https://id.example\", the `iss` that its tokens carry",
    );
    let issuer = issuer.and_then(|value| value.word());
    let algorithms = algorithms(table);
    let keys = keys(table, algorithms.as_deref().unwrap_or_default());
    let required = required(table);
    let audience = audience(table, &required);
    let leeway = table.get("leeway").and_then(|value| value.duration());
    let max_token = table
        .get("max_token")
        .and_then(|value| value.size_within(MAX_TOKEN.0..=MAX_TOKEN.1));
    let forward_token = table.get("forward_token").and_then(|value| value.boolean());
    let groups_claim = word("groups_claim", "groups");
    let scopes_claim = word("scopes_claim", "scope");
    let plan_claim = word("plan_claim", "plan");
    Some(IssuerConfig {
        name: name.to_owned(),
        issuer: issuer?,
        audience,
        algorithms: algorithms?,
        keys: keys?,
        leeway: leeway.unwrap_or(Duration::from_secs(30)),
        required,
        max_token: max_token.unwrap_or(8 * 1024),
        groups_claim,
        scopes_claim,
        plan_claim,
        forward_token: forward_token.unwrap_or(true),
    })
}

/// All with a shared secret or none: a public key must never be taken for a secret.
fn algorithms(table: &Table<'_>) -> Option<Vec<SigningAlgorithm>> {
    let value = table.required(
        "algorithms",
        "[\"ES256\"], or others: a token never chooses",
    )?;
    let listed = value.each(|entry| entry.choice(&ALGORITHMS))?;
    if listed.is_empty() {
        if value.list().is_some_and(|list| list.is_empty()) {
            value.wrong("is empty", "name at least one, such as \"ES256\"");
        }
        return None;
    }
    let shared = listed.iter().find(|algorithm| is_shared(algorithm.value));
    let public = listed.iter().find(|algorithm| !is_shared(algorithm.value));
    if let (Some(shared), Some(public)) = (shared, public) {
        let error = Diagnostic::error(&shared.place, "HS* stands beside a public-key algorithm");
        let error = error.also(&public.place, "verified with a public key");
        table.reading.report(
            error.help("whoever has the public key could then sign tokens: make two issuers of it"),
        );
    }
    Some(
        listed
            .into_iter()
            .map(|algorithm| algorithm.value)
            .collect(),
    )
}

fn is_shared(algorithm: SigningAlgorithm) -> bool {
    secret_length(algorithm).is_some()
}

/// RFC 7518 section 3.2: the key is at least as long as the hash.
fn secret_length(algorithm: SigningAlgorithm) -> Option<usize> {
    match algorithm {
        SigningAlgorithm::HS256 => Some(32),
        SigningAlgorithm::HS384 => Some(48),
        SigningAlgorithm::HS512 => Some(64),
        _ => None,
    }
}

/// Exactly one of the sources, and the one that fits the algorithms.
fn keys(table: &Table<'_>, algorithms: &[SigningAlgorithm]) -> Option<KeySource> {
    let secret = secret::read(table, "secret", "secret_file");
    let file = table.get("jwks_file");
    let url = table.get("jwks_url");
    let fetched = jwks(table, url.as_ref());
    let sources = ["secret", "secret_file", "jwks_file", "jwks_url"];
    let given: Vec<&str> = sources.into_iter().filter(|key| table.has(key)).collect();
    let shared = algorithms.iter().copied().any(is_shared);
    let error = |said: String, help| {
        let error = Diagnostic::error(&table.place, said).help(help).needs_all();
        table.reading.report(error);
    };
    match given.as_slice() {
        ["secret", "secret_file"] => None,
        [] if shared => {
            error(
                "has no secret for HS*".to_owned(),
                "add secret = \"${NAME}\" or secret_file",
            );
            None
        }
        [] => {
            error("has no keys".to_owned(), "add jwks_url or jwks_file");
            None
        }
        [one] => {
            let is_secret = one.starts_with("secret");
            if is_secret && !shared && !algorithms.is_empty() {
                error(
                    format!("{one} is only for HS*"),
                    "add jwks_url or jwks_file instead",
                );
            } else if !is_secret && shared {
                error(
                    format!("{one} is not for HS*"),
                    "add secret = \"${NAME}\" or secret_file instead",
                );
            }
            match *one {
                "jwks_url" => fetched.map(|url| KeySource::Url(Box::new(url))),
                "jwks_file" => file.and_then(|value| jwks_file(&value)),
                _ => long_enough(table, secret?, algorithms).map(KeySource::Secret),
            }
        }
        several => {
            error(
                format!("has its keys from {}", listed(several, "and")),
                "keep one of them",
            );
            None
        }
    }
}

fn long_enough(
    table: &Table<'_>,
    secret: SecretString,
    algorithms: &[SigningAlgorithm],
) -> Option<SecretString> {
    let needed = algorithms.iter().copied().filter_map(secret_length).max();
    let needed = needed.unwrap_or_default();
    if secret.expose_secret().len() < needed {
        let said = format!("the secret is too short: these algorithms need {needed} bytes or more");
        let error = Diagnostic::error(&table.place, said);
        let help = format!("for example what `openssl rand -hex {}` prints", needed / 2);
        table.reading.report(error.help(help));
        return None;
    }
    Some(secret)
}

fn jwks_file(value: &Value<'_>) -> Option<KeySource> {
    let path = value.reading.file(&value.word()?);
    if path.is_file() {
        return Some(KeySource::File(path));
    }
    value.wrong(
        format!("there is no file {}", path.display()),
        "the path starts at this file's folder, unless it starts with /",
    );
    None
}

fn jwks(table: &Table<'_>, url: Option<&Value<'_>>) -> Option<JwksUrl> {
    let wait = |key, default: Duration| {
        let value = table.get(key);
        if let (Some(value), None) = (&value, url) {
            let error = Diagnostic::error(&value.key, "is only for keys from jwks_url");
            table.reading.report(error.help("take it out").needs_all());
        }
        let read = value.as_ref().and_then(Value::wait);
        (read.unwrap_or(default), value)
    };
    let (ttl, _) = wait("jwks_ttl", Duration::from_mins(10));
    let (refresh_ahead, ahead) = wait("jwks_refresh_ahead", Duration::from_mins(1));
    let (unknown_kid_cooldown, _) = wait("jwks_unknown_kid_cooldown", Duration::from_secs(30));
    let (stale_if_error, _) = wait("jwks_stale_if_error", Duration::from_hours(24));
    if refresh_ahead >= ttl {
        let place = ahead.map_or_else(|| table.place.clone(), |value| value.place);
        let error = Diagnostic::error(&place, "jwks_refresh_ahead is not shorter than jwks_ttl");
        table
            .reading
            .report(error.help("the keys would be fetched without end"));
    }
    Some(JwksUrl {
        url: url?.web_address("https://id.example/jwks", "keys are public; leave them out")?,
        ttl,
        refresh_ahead,
        unknown_kid_cooldown,
        stale_if_error,
    })
}

fn required(table: &Table<'_>) -> BTreeSet<String> {
    let Some(value) = table.get("required") else {
        return REQUIRED.into_iter().map(str::to_owned).collect();
    };
    let read: BTreeSet<String> = value
        .words()
        .unwrap_or_default()
        .into_iter()
        .map(|claim| claim.value)
        .collect();
    if !read.contains("exp") {
        let warning = Diagnostic::warning(&value.place, "a token without exp is good for ever");
        table.reading.report(warning.help("add \"exp\""));
    }
    read
}

fn audience(table: &Table<'_>, required: &BTreeSet<String>) -> Vec<String> {
    let value = table.get("audience");
    let read: Vec<At<String>> = value.as_ref().and_then(Value::words).unwrap_or_default();
    let said_nothing = match &value {
        None => true,
        Some(value) => value.list().is_some_and(|list| list.is_empty()),
    };
    if said_nothing && required.contains("aud") {
        let place = value.map_or_else(|| table.place.clone(), |value| value.place);
        let error = Diagnostic::error(&place, "says no audience, but requires the claim aud");
        let help = format!(
            "add audience = [\"…\"], or leave {} out of required: a token for another service would then do here",
            quoted("aud")
        );
        table.reading.report(error.help(help).needs_all());
    }
    read.into_iter().map(|audience| audience.value).collect()
}
