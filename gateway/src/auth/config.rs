//! Who is calling, as written: `[auth.issuer.NAME]` and a route's `auth`.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use chassis::secret::{ExposeSecret, SecretString};
use url::Url;

/// A party whose tokens are believed.
#[derive(Clone, Debug, PartialEq)]
pub struct IssuerConfig {
    /// The table's name.
    pub name: String,
    /// The `iss` that its tokens carry.
    pub issuer: String,
    /// One of these must be in `aud`. Empty only where `required` lacks `aud`.
    pub audience: Vec<String>,
    /// The algorithms that its tokens may be signed with, all of one family.
    pub algorithms: Vec<SigningAlgorithm>,
    /// Where its keys come from.
    pub keys: KeySource,
    /// How far clocks may disagree.
    pub leeway: Duration,
    /// Claims that must be there.
    pub required: BTreeSet<String>,
    /// A longer token is refused before anything is decoded, bytes.
    pub max_token: usize,
    /// The claim that lists groups.
    pub groups_claim: String,
    /// The claim that lists scopes.
    pub scopes_claim: String,
    /// The claim that names the plan.
    pub plan_claim: String,
    /// Whether `Authorization` goes on to the upstream.
    pub forward_token: bool,
}

/// What the file may name in `algorithms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SigningAlgorithm {
    /// HMAC with SHA-256.
    HS256,
    /// HMAC with SHA-384.
    HS384,
    /// HMAC with SHA-512.
    HS512,
    /// RSA PKCS#1 with SHA-256.
    RS256,
    /// RSA PKCS#1 with SHA-384.
    RS384,
    /// RSA PKCS#1 with SHA-512.
    RS512,
    /// RSA PSS with SHA-256.
    PS256,
    /// RSA PSS with SHA-384.
    PS384,
    /// RSA PSS with SHA-512.
    PS512,
    /// ECDSA on P-256.
    ES256,
    /// ECDSA on P-384.
    ES384,
    /// Ed25519.
    EdDSA,
}

/// Where an issuer's keys come from.
#[derive(Clone, Debug)]
pub enum KeySource {
    /// One shared secret, for HS* only.
    Secret(SecretString),
    /// A JWKS file.
    File(PathBuf),
    /// A JWKS document on the web.
    Url(Box<JwksUrl>),
}

/// A JWKS document on the web, and how it is kept fresh.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JwksUrl {
    /// Where it is.
    pub url: Url,
    /// How long its keys are taken as current.
    pub ttl: Duration,
    /// How long before that end it is fetched again.
    pub refresh_ahead: Duration,
    /// At most one fetch for unknown key ids in this time.
    pub unknown_kid_cooldown: Duration,
    /// How long keys are used on while it cannot be fetched.
    pub stale_if_error: Duration,
}

impl PartialEq for KeySource {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Secret(a), Self::Secret(b)) => a.expose_secret() == b.expose_secret(),
            (Self::File(a), Self::File(b)) => a == b,
            (Self::Url(a), Self::Url(b)) => a == b,
            _ => false,
        }
    }
}

/// A route's `auth`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthConfig {
    /// `"none"`: said, not forgotten.
    Public,
    /// Tokens of these issuers.
    Tokens(TokenAuth),
}

/// What a route asks of its callers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenAuth {
    /// Names of `[auth.issuer.NAME]`; at least one.
    pub issuers: Vec<String>,
    /// All of these are needed.
    pub scopes: Vec<String>,
    /// One of these is needed, when any is listed.
    pub groups: Vec<String>,
    /// A caller without a token passes as nobody; one with a bad token does not.
    pub optional: bool,
}
