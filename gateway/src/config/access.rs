//! A route's `auth`: who may come in.

use crate::auth::config::{AuthConfig, TokenAuth};
use crate::config::names::Kind;
use crate::config::report::{At, Diagnostic};
use crate::config::value::Value;

/// What to write where a route says nothing.
pub(super) const AUTH: &str = "write auth = \"ISSUER\" with the name of an [auth.issuer.NAME], or auth = \"none\" if everybody may come in";

/// `"none"`, an issuer's name, or a table.
pub(super) fn read(value: &Value<'_>) -> Option<At<AuthConfig>> {
    if value.is_table() {
        return tokens(value).map(|tokens| value.at(AuthConfig::Tokens(tokens)));
    }
    let name = value.word()?;
    if name == "none" {
        return Some(value.at(AuthConfig::Public));
    }
    uses(value, &value.at(name.clone()));
    let tokens = TokenAuth {
        issuers: vec![name],
        scopes: Vec::new(),
        groups: Vec::new(),
        optional: false,
    };
    Some(value.at(AuthConfig::Tokens(tokens)))
}

fn tokens(value: &Value<'_>) -> Option<TokenAuth> {
    let table = value.table()?;
    let issuers_value = table.required(
        "issuers",
        "[\"NAME\"], the names of [auth.issuer.NAME] tables",
    );
    let issuers = issuers_value.as_ref().and_then(Value::words);
    for name in issuers.iter().flatten() {
        uses(value, name);
    }
    if let Some(value) = &issuers_value
        && value.list().is_some_and(|list| list.is_empty())
    {
        value.wrong(
            "is empty",
            "name at least one issuer; for a public route write auth = \"none\"",
        );
    }
    let optional = table.get("optional");
    let is_optional = optional.as_ref().and_then(Value::boolean);
    let is_optional = is_optional.unwrap_or(false);
    let demanded = |key| {
        let read = table.get(key)?;
        let words = read.words()?;
        if let (true, false, Some(optional)) = (is_optional, words.is_empty(), &optional) {
            let said = format!("asks for {key}, but who has no token at all may pass");
            let error = Diagnostic::error(&read.key, said).also(&optional.place, "optional");
            value.reading.report(error.help("take out one of the two"));
        }
        Some(words.into_iter().map(|word| word.value).collect())
    };
    let scopes: Option<Vec<String>> = demanded("scopes");
    let groups: Option<Vec<String>> = demanded("groups");
    Some(TokenAuth {
        issuers: issuers?.into_iter().map(|name| name.value).collect(),
        scopes: scopes.unwrap_or_default(),
        groups: groups.unwrap_or_default(),
        optional: is_optional,
    })
}

fn uses(value: &Value<'_>, name: &At<String>) {
    let mut names = value.reading.names.borrow_mut();
    names.uses(Kind::Issuer, name);
}
