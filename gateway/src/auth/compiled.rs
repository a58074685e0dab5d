//! Issuers and route policies as the data path uses them, and what makes a token believed.

use std::sync::Arc;
use std::time::Duration;

use chassis::principal::Principal;
use http::HeaderValue;
use serde_json::{Map, Value};

use super::config::IssuerConfig;
use super::keys::Key;
use super::ring::KeyRing;
use super::token::{TokenError, Unverified};

/// A party whose tokens are believed.
#[derive(Debug)]
pub struct Issuer {
    /// As written.
    pub config: IssuerConfig,
    /// Its keys.
    pub ring: Arc<KeyRing>,
}

/// Who may use a route.
#[derive(Debug)]
pub enum Policy {
    /// Everybody; nothing is looked at.
    Public,
    /// Holders of a token.
    Tokens {
        /// Whose.
        issuers: Vec<Arc<Issuer>>,
        /// With all of these.
        scopes: Vec<String>,
        /// In one of these, where any is listed.
        groups: Vec<String>,
        /// Or nobody in particular.
        optional: bool,
    },
}

/// A verified token. Kept per core, so that each signature is checked once.
#[derive(Debug)]
pub struct Verified {
    /// Who it is.
    pub principal: Principal,
    /// All claims.
    pub claims: Map<String, Value>,
    /// Whose token it is.
    pub issuer: Arc<Issuer>,
    /// `x-user-id`.
    pub user_value: HeaderValue,
    /// `x-user-scopes`.
    pub scopes_value: HeaderValue,
    /// `x-user-groups`.
    pub groups_value: HeaderValue,
    /// The key that signed it.
    key: Arc<Key>,
    /// Believed until then, since 1970, the leeway included.
    until: Duration,
}

impl Verified {
    /// Whether it is still believed.
    pub fn holds(&self, unix: Duration) -> bool {
        unix < self.until && self.key.is_live()
    }
}

impl Issuer {
    /// Checks algorithm, signature and claims of a token that names this issuer.
    pub async fn verify(
        self: &Arc<Self>,
        token: &str,
        unverified: Unverified,
        unix: Duration,
    ) -> Result<Verified, TokenError> {
        let config = &self.config;
        if !config
            .algorithms
            .iter()
            .any(|algorithm| algorithm.as_library() == unverified.algorithm)
        {
            return Err(TokenError::Algorithm);
        }
        let keys = self
            .ring
            .candidates(unverified.kid.as_deref(), unverified.algorithm, unix)
            .await;
        if keys.is_empty() {
            return Err(TokenError::UnknownKey);
        }
        let mut key = keys
            .into_iter()
            .find(|key| is_signed_by(token, key, &unverified));
        if key.is_none() && unverified.kid.is_none() {
            // It does not say which key it means, so that may be one that is newer than ours.
            let newer = self.ring.newer_candidates(unverified.algorithm, unix).await;
            key = newer
                .into_iter()
                .find(|key| is_signed_by(token, key, &unverified));
        }
        let key = key.ok_or(TokenError::Signature)?;
        let claims = unverified.claims;
        let until = self.check(&claims, unix)?;
        let principal = self.principal(&claims)?;
        Ok(Verified {
            user_value: principal.user_value(),
            scopes_value: principal.scopes_value(),
            groups_value: principal.groups_value(),
            principal,
            claims,
            issuer: Arc::clone(self),
            key,
            until,
        })
    }

    /// RFC 7519, section 4.1; every claim that is there is checked, those in `required` must be there.
    fn check(&self, claims: &Map<String, Value>, unix: Duration) -> Result<Duration, TokenError> {
        let config = &self.config;
        if let Some(missing) = config
            .required
            .iter()
            .find(|name| !claims.contains_key(name.as_str()))
        {
            return Err(TokenError::Missing(missing.clone()));
        }
        let until = match claims.get("exp") {
            None => Duration::MAX,
            Some(exp) => seconds(exp)
                .ok_or_else(|| missing("exp"))?
                .saturating_add(config.leeway),
        };
        if unix >= until {
            return Err(TokenError::Expired);
        }
        if let Some(nbf) = claims.get("nbf") {
            let from = seconds(nbf).ok_or_else(|| missing("nbf"))?;
            if unix.saturating_add(config.leeway) < from {
                return Err(TokenError::NotYet);
            }
        }
        if claims
            .get("iss")
            .is_some_and(|iss| iss.as_str() != Some(&config.issuer))
        {
            return Err(TokenError::Issuer);
        }
        let audience = &config.audience;
        let meant = claims
            .get("aud")
            .is_none_or(|aud| strings(aud).iter().any(|one| audience.contains(one)));
        if !audience.is_empty() && !meant {
            return Err(TokenError::Audience);
        }
        Ok(until)
    }

    fn principal(&self, claims: &Map<String, Value>) -> Result<Principal, TokenError> {
        let config = &self.config;
        let user = claims
            .get("sub")
            .and_then(Value::as_str)
            .filter(|user| !user.is_empty());
        let list = |name: &str| claims.get(name).map(words).unwrap_or_default();
        let mut scopes = list(&config.scopes_claim);
        if config.scopes_claim == "scope" {
            scopes.extend(list("scp"));
        }
        Ok(Principal {
            user: user.ok_or_else(|| missing("sub"))?.to_owned(),
            scopes,
            groups: claims
                .get(&config.groups_claim)
                .map(strings)
                .unwrap_or_default(),
            plan: claims
                .get(&config.plan_claim)
                .and_then(Value::as_str)
                .map(str::to_owned),
        })
    }
}

/// The library checks the signature; claims are ours, because it skips those that are missing and reads its own clock.
fn is_signed_by(token: &str, key: &Key, unverified: &Unverified) -> bool {
    let Some((message, signature)) = token.rsplit_once('.') else {
        return false;
    };
    jsonwebtoken::crypto::verify(
        signature,
        message.as_bytes(),
        key.decoding(),
        unverified.algorithm,
    )
    .unwrap_or(false)
}

fn missing(claim: &str) -> TokenError {
    TokenError::Missing(claim.to_owned())
}

/// A `NumericDate`, which may have a fraction.
fn seconds(value: &Value) -> Option<Duration> {
    value
        .as_f64()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
}

/// One string or a list of them.
fn strings(value: &Value) -> Vec<String> {
    match value {
        Value::String(one) => vec![one.clone()],
        Value::Array(list) => list
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        _ => Vec::new(),
    }
}

/// The same, where one string holds several separated by spaces.
fn words(value: &Value) -> Vec<String> {
    strings(value)
        .iter()
        .flat_map(|text| text.split_ascii_whitespace())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod vectors;
