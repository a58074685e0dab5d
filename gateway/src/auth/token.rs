//! A signed token's text, taken apart strictly (RFC 7515, RFC 7519): what two readers could read differently is no token.
//!
//! Nothing here is believed yet: the signature is checked in `compiled`.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::{Map, Value};

/// Why a token is refused. The words may be heard by the client; the token itself is never in them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Longer than the issuer's `max_token`.
    #[error("the token is too long")]
    TooLong,
    /// Not three parts of base64url that hold JSON objects.
    #[error("this is not a signed token")]
    NotAToken,
    /// A member stands twice in its header or claims.
    #[error("a header or claim of the token stands twice")]
    Duplicate,
    /// `crit`: it asks for something that we do not know.
    #[error("the token has a critical header that is not supported")]
    Critical,
    /// `jwk`, `jku`, `x5u` or `x5c`: it brings its own key.
    #[error("the token brings its own key")]
    OwnKey,
    /// Its algorithm is not one that its issuer uses.
    #[error("the token's algorithm is not accepted")]
    Algorithm,
    /// No issuer that the route accepts.
    #[error("the token's issuer is not accepted here")]
    Issuer,
    /// No key of the issuer fits.
    #[error("the token's key is not known")]
    UnknownKey,
    /// The signature is not the key's.
    #[error("the token's signature is wrong")]
    Signature,
    /// A claim that must be there is not, or has the wrong type.
    #[error("the token has no valid claim {0:?}")]
    Missing(String),
    /// `exp` has passed.
    #[error("the token has expired")]
    Expired,
    /// `nbf` has not come.
    #[error("the token is not valid yet")]
    NotYet,
    /// `aud` names somebody else.
    #[error("the token is for another audience")]
    Audience,
}

/// A token's header and claims, before anything of it is believed.
#[derive(Debug)]
pub struct Unverified {
    /// What it says it is signed with.
    pub algorithm: Algorithm,
    /// Which key it says it is signed with.
    pub kid: Option<String>,
    /// Its claims.
    pub claims: Map<String, Value>,
}

/// Members of a header that would let a token choose what it is verified with.
const OWN_KEY: [&str; 4] = ["jwk", "jku", "x5u", "x5c"];

impl Unverified {
    /// Takes a token apart.
    pub fn read(token: &str) -> Result<Self, TokenError> {
        let mut unverified = Self::read_header(token)?;
        let claims = token.split('.').nth(1).ok_or(TokenError::NotAToken)?;
        unverified.claims = object(claims)?;
        Ok(unverified)
    }

    /// Its header alone; the claims are left empty.
    pub(super) fn read_header(token: &str) -> Result<Self, TokenError> {
        let mut parts = token.split('.');
        let (Some(header), Some(_), Some(_), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(TokenError::NotAToken);
        };
        let header = object(header)?;
        if header.contains_key("crit") {
            return Err(TokenError::Critical);
        }
        // A thumbprint (x5t) is only a name; what carries or fetches a key is refused.
        if OWN_KEY.iter().any(|name| header.contains_key(*name)) {
            return Err(TokenError::OwnKey);
        }
        let algorithm = header
            .get("alg")
            .and_then(Value::as_str)
            .ok_or(TokenError::NotAToken)?;
        let kid = match header.get("kid") {
            None => None,
            Some(Value::String(kid)) => Some(kid.clone()),
            Some(_) => return Err(TokenError::NotAToken),
        };
        // `none` is no algorithm to the library, nor is anything that it does not know.
        let algorithm = algorithm.parse().map_err(|_| TokenError::Algorithm)?;
        Ok(Self {
            algorithm,
            kid,
            claims: Map::new(),
        })
    }

    /// Its `iss`.
    pub fn issuer(&self) -> Option<&str> {
        self.claims.get("iss").and_then(Value::as_str)
    }
}

fn object(part: &str) -> Result<Map<String, Value>, TokenError> {
    let json = URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| TokenError::NotAToken)?;
    let read: Result<Strict, _> = serde_json::from_slice(&json);
    read.map(|Strict(object)| object).map_err(|error| {
        // The word is our own, below.
        if error.to_string().starts_with(DUPLICATE) {
            TokenError::Duplicate
        } else {
            TokenError::NotAToken
        }
    })
}

const DUPLICATE: &str = "duplicate member";

/// A JSON object whose members have different names.
struct Strict(Map<String, Value>);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Strict;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Strict, A::Error> {
                let mut object = Map::new();
                while let Some((name, value)) = members.next_entry::<String, Value>()? {
                    if object.insert(name, value).is_some() {
                        return Err(A::Error::custom(DUPLICATE));
                    }
                }
                Ok(Strict(object))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(header: &str, claims: &str) -> String {
        format!(
            "{}.{}.c2ln",
            URL_SAFE_NO_PAD.encode(header),
            URL_SAFE_NO_PAD.encode(claims)
        )
    }

    fn refused(header: &str, claims: &str) -> TokenError {
        Unverified::read(&token(header, claims)).unwrap_err()
    }

    #[test]
    fn a_token_is_taken_apart() {
        let read = Unverified::read(&token(
            r#"{"alg":"ES256","kid":"7"}"#,
            r#"{"iss":"shop","sub":"ana"}"#,
        ))
        .unwrap();
        assert_eq!(
            (read.algorithm, read.kid.as_deref(), read.issuer()),
            (Algorithm::ES256, Some("7"), Some("shop"))
        );
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_no_token() {
        assert_eq!(
            refused(r#"{"alg":"ES256","alg":"HS256"}"#, "{}"),
            TokenError::Duplicate
        );
        assert_eq!(
            refused(r#"{"alg":"ES256"}"#, r#"{"sub":"ana","sub":"bob"}"#),
            TokenError::Duplicate
        );
        assert_eq!(
            refused(r#"{"alg":"ES256","crit":["x"]}"#, "{}"),
            TokenError::Critical
        );
        for own in ["jwk", "jku", "x5u", "x5c"] {
            assert_eq!(
                refused(&format!(r#"{{"alg":"ES256","{own}":"x"}}"#), "{}"),
                TokenError::OwnKey
            );
        }
        assert_eq!(refused(r#"{"alg":"none"}"#, "{}"), TokenError::Algorithm);
        assert_eq!(refused(r#"{"alg":"nOnE"}"#, "{}"), TokenError::Algorithm);
        assert_eq!(
            refused(r#"{"alg":"ES256","kid":7}"#, "{}"),
            TokenError::NotAToken
        );
        assert_eq!(refused("[]", "{}"), TokenError::NotAToken);
        for text in ["", "a", "a.b", "a.b.c.d", "..", "!.!.!", "e30.e30"] {
            assert_eq!(
                Unverified::read(text).unwrap_err(),
                TokenError::NotAToken,
                "{text}"
            );
        }
    }
}
