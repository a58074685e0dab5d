//! What keeps a caller on one side, and who may choose one: `sticky` and `override`.

use http::HeaderName;

use crate::auth::config::AuthConfig;
use crate::config::listeners::parse_network;
use crate::config::matching::header_name;
use crate::config::report::{At, Diagnostic, Place, quoted};
use crate::config::table::Table;
use crate::config::value::{Value, unknown_word};
use crate::side::config::{OverrideConfig, OverrideRequire, Sticky};

const HEADER: &str = "x-banyan-side";
const SCOPE: &str = "gateway.override";

/// What to write where nobody is asked who they are.
pub(super) const WITHOUT_USERS: &str =
    "use \"visitor\", our own random cookie, or \"cookie:NAME\" or \"header:NAME\"";

/// A list of sources, the first that is present counts.
pub(super) fn list(value: &Value<'_>) -> Option<Vec<At<Sticky>>> {
    let read = value.each(source)?;
    if value.list().is_some_and(|list| list.is_empty()) {
        value.wrong(
            "is empty: nobody would have a side of their own",
            "write [\"user\"], or for callers without a token [\"visitor\"]",
        );
    }
    (!read.is_empty()).then_some(read)
}

/// Users mean nothing where nobody is asked who they are.
pub(super) fn fits(table: &Table<'_>, own: &[At<Sticky>], auth: &At<AuthConfig>) {
    if auth.value != AuthConfig::Public {
        return;
    }
    for source in own.iter().filter(|source| source.value == Sticky::User) {
        let error = Diagnostic::error(&source.place, "nobody is known here");
        let error = error.also(&auth.place, "public").help(WITHOUT_USERS);
        table.reading.report(error.needs_all());
    }
}

fn source(value: &Value<'_>) -> Option<Sticky> {
    let text = value.text()?;
    let known = ["user", "visitor", "cookie:NAME", "header:NAME"];
    match text.split_once(':') {
        None if text == "user" => Some(Sticky::User),
        None if text == "visitor" => Some(Sticky::Visitor),
        Some(("cookie", name)) if is_cookie(name) => Some(Sticky::Cookie(name.to_owned())),
        Some(("cookie", _)) => {
            value.wrong("names no cookie", "write \"cookie:sessionid\"");
            None
        }
        Some(("header", name)) => {
            header_name(value, name, "header:x-device-id").map(Sticky::Header)
        }
        _ => {
            let error = unknown_word(&value.place, &text, &known);
            value.reading.report(error);
            None
        }
    }
}

/// What a cookie may be called.
pub(super) fn is_cookie(name: &str) -> bool {
    let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    !name.is_empty() && name.chars().all(token)
}

/// `override.header` and `override.require`; each has a default.
pub(super) struct Override {
    pub(super) config: OverrideConfig,
    /// Where `require` stands, when the file says it.
    pub(super) require_at: Option<Place>,
}

pub(super) fn chooser(table: &Table<'_>) -> Override {
    let header = table.get("header").and_then(|value| header(&value));
    let require = table.get("require");
    let read = require.as_ref().and_then(|value| require_of(value));
    Override {
        config: OverrideConfig {
            header: header.unwrap_or(HeaderName::from_static(HEADER)),
            require: read.unwrap_or_else(|| OverrideRequire::Scope(SCOPE.to_owned())),
        },
        require_at: require.map(|value| value.place),
    }
}

fn header(value: &Value<'_>) -> Option<HeaderName> {
    let text = value.word()?;
    header_name(value, &text, HEADER)
}

fn require_of(value: &Value<'_>) -> Option<OverrideRequire> {
    let text = value.word()?;
    match text.split_once(':') {
        Some(("scope", scope)) if !scope.is_empty() => {
            Some(OverrideRequire::Scope(scope.to_owned()))
        }
        Some(("cidr", network)) => match parse_network(network) {
            Ok(network) => Some(OverrideRequire::Cidr(network)),
            Err(help) => {
                value.wrong(format!("{} is no network", quoted(network)), help);
                None
            }
        },
        _ => {
            value.wrong(
                format!("{} says nobody", quoted(&text)),
                "write \"scope:gateway.override\" or \"cidr:10.0.0.0/8\"",
            );
            None
        }
    }
}
