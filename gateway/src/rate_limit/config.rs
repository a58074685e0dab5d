//! How much, as written: `[rate_limit.NAME]`.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use http::HeaderName;

/// One limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateLimitConfig {
    /// The table's name.
    pub name: String,
    /// What is counted.
    pub key: LimitKey,
    /// How fast its bucket fills again.
    pub rate: Rate,
    /// How many may come at once.
    pub burst: NonZeroU32,
    /// For whom it runs.
    pub when: When,
    /// What happens when the key is not in the request.
    pub on_missing_key: MissingKey,
    /// Whether it rejects or only counts.
    pub mode: Mode,
    /// Which fields tell a client how much is left.
    pub fields: LimitFields,
    /// Other rates by the caller's plan. Their burst scales with the rate.
    pub plans: BTreeMap<String, Rate>,
}

/// So many per so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub count: NonZeroU32,
    /// Per this long: a second, a minute or an hour.
    pub per: Duration,
}

/// What is counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LimitKey {
    /// The client's address; IPv6 by /64.
    Ip,
    /// The verified user.
    User,
    /// A field's value.
    Header(HeaderName),
    /// A claim's value.
    Claim(String),
    /// All requests of the route together.
    Route,
}

/// For whom a limit runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum When {
    /// Everybody; with the key `ip` it runs before any signature is checked.
    #[default]
    Always,
    /// Callers without a verified token.
    Unauthenticated,
    /// Callers with one.
    Authenticated,
}

/// What happens when a request lacks the key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissingKey {
    /// The address counts instead.
    #[default]
    Ip,
    /// It is rejected.
    Deny,
}

/// Whether a limit rejects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// It rejects.
    #[default]
    Enforce,
    /// It counts and logs what it would reject.
    Observe,
}

/// Which fields tell a client how much is left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LimitFields {
    /// `RateLimit-Policy` and `RateLimit` of the IETF draft.
    #[default]
    Ietf,
    /// `X-RateLimit-Limit`, `-Remaining`, `-Reset`.
    Legacy,
    /// Both.
    Both,
    /// Neither.
    Off,
}
