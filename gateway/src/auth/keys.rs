//! The keys of one issuer: a JWKS document (RFC 7517) or one shared secret.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::Value;

use super::config::SigningAlgorithm;

/// A larger document is refused, bytes.
pub const MAX_DOCUMENT: usize = 256 * 1024;

/// Keys beyond this many are refused.
const MAX_KEYS: usize = 64;

/// One key.
pub struct Key {
    kid: Option<String>,
    algorithms: Vec<Algorithm>,
    decoding: DecodingKey,
    /// As it stood in the document, so that an unchanged key is known again.
    material: String,
    live: AtomicBool,
}

/// The keys of one issuer at one time.
#[derive(Debug, Default)]
pub struct KeySet {
    keys: Vec<Arc<Key>>,
}

/// A document that holds no keys for us.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadKeys {
    /// Not `{"keys": […]}`.
    #[error("not a JWKS document: {0}")]
    NotJwks(String),
    /// Too many keys.
    #[error("{0} keys; at most 64 are taken")]
    TooMany(usize),
    /// No key that the issuer's algorithms could use.
    #[error(
        "no key in it fits the issuer's algorithms (use, key_ops, alg, kty and curve are looked at)"
    )]
    NoneFits,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key")
            .field("kid", &self.kid)
            .field("algorithms", &self.algorithms)
            .finish_non_exhaustive()
    }
}

impl Key {
    /// What verifies.
    pub fn decoding(&self) -> &DecodingKey {
        &self.decoding
    }

    /// Whether its issuer still publishes it. Tokens that it verified are believed for as long.
    pub fn is_live(&self) -> bool {
        self.live.load(Ordering::Relaxed)
    }

    fn fits(&self, kid: Option<&str>, algorithm: Algorithm) -> bool {
        let named = kid.is_none() || self.kid.is_none() || self.kid.as_deref() == kid;
        named && self.algorithms.contains(&algorithm)
    }
}

impl KeySet {
    /// One shared secret.
    pub fn secret(secret: &[u8], algorithms: &[SigningAlgorithm]) -> Self {
        let key = Key {
            kid: None,
            algorithms: algorithms
                .iter()
                .map(|algorithm| algorithm.as_library())
                .collect(),
            decoding: DecodingKey::from_secret(secret),
            material: String::new(),
            live: AtomicBool::new(true),
        };
        Self {
            keys: vec![Arc::new(key)],
        }
    }

    /// Reads a document. Keys that do not fit are passed over; a document without any that does is refused.
    pub fn read(document: &[u8], algorithms: &[SigningAlgorithm]) -> Result<Self, BadKeys> {
        let not_jwks = |error: serde_json::Error| BadKeys::NotJwks(error.to_string());
        let document: Value = serde_json::from_slice(document).map_err(not_jwks)?;
        let Some(listed) = document.get("keys").and_then(Value::as_array) else {
            return Err(BadKeys::NotJwks("there is no list \"keys\"".to_owned()));
        };
        if listed.len() > MAX_KEYS {
            return Err(BadKeys::TooMany(listed.len()));
        }
        let keys: Vec<_> = listed
            .iter()
            .filter_map(|jwk| key(jwk, algorithms))
            .map(Arc::new)
            .collect();
        if keys.is_empty() {
            Err(BadKeys::NoneFits)
        } else {
            Ok(Self { keys })
        }
    }

    /// Takes the place of `old`: keys that are in both stay the same objects, the others die.
    pub fn succeed(&mut self, old: &Self) {
        for key in &mut self.keys {
            if let Some(same) = old.keys.iter().find(|known| known.material == key.material) {
                *key = Arc::clone(same);
            }
        }
        for gone in old
            .keys
            .iter()
            .filter(|known| !self.keys.iter().any(|key| Arc::ptr_eq(key, known)))
        {
            gone.live.store(false, Ordering::Relaxed);
        }
    }

    /// The keys that may have signed a token.
    pub fn candidates(&self, kid: Option<&str>, algorithm: Algorithm) -> Vec<Arc<Key>> {
        self.keys
            .iter()
            .filter(|key| key.fits(kid, algorithm))
            .cloned()
            .collect()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

fn key(jwk: &Value, algorithms: &[SigningAlgorithm]) -> Option<Key> {
    let parsed: Jwk = serde_json::from_value(jwk.clone()).ok()?;
    let common = &parsed.common;
    let to_verify = matches!(common.public_key_use, None | Some(PublicKeyUse::Signature))
        && common
            .key_operations
            .as_ref()
            .is_none_or(|ops| ops.contains(&KeyOperations::Verify));
    let declared = common.key_algorithm.map(|algorithm| algorithm.to_string());
    let fitting: Vec<Algorithm> = algorithms
        .iter()
        .filter(|algorithm| {
            declared
                .as_deref()
                .is_none_or(|declared| declared == algorithm.as_str())
        })
        .filter(|algorithm| algorithm.fits(&parsed.algorithm))
        .map(|algorithm| algorithm.as_library())
        .collect();
    if !to_verify || fitting.is_empty() {
        return None;
    }
    Some(Key {
        kid: common.key_id.clone(),
        algorithms: fitting,
        decoding: DecodingKey::from_jwk(&parsed).ok()?,
        material: jwk.to_string(),
        live: AtomicBool::new(true),
    })
}

impl SigningAlgorithm {
    /// As the file and tokens spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::HS256 => "HS256",
            Self::HS384 => "HS384",
            Self::HS512 => "HS512",
            Self::RS256 => "RS256",
            Self::RS384 => "RS384",
            Self::RS512 => "RS512",
            Self::PS256 => "PS256",
            Self::PS384 => "PS384",
            Self::PS512 => "PS512",
            Self::ES256 => "ES256",
            Self::ES384 => "ES384",
            Self::EdDSA => "EdDSA",
        }
    }

    /// As the library calls it.
    pub fn as_library(self) -> Algorithm {
        match self {
            Self::HS256 => Algorithm::HS256,
            Self::HS384 => Algorithm::HS384,
            Self::HS512 => Algorithm::HS512,
            Self::RS256 => Algorithm::RS256,
            Self::RS384 => Algorithm::RS384,
            Self::RS512 => Algorithm::RS512,
            Self::PS256 => Algorithm::PS256,
            Self::PS384 => Algorithm::PS384,
            Self::PS512 => Algorithm::PS512,
            Self::ES256 => Algorithm::ES256,
            Self::ES384 => Algorithm::ES384,
            Self::EdDSA => Algorithm::EdDSA,
        }
    }

    /// Whether a public key is of the right type and curve. A shared secret never comes in a document.
    fn fits(self, key: &AlgorithmParameters) -> bool {
        match key {
            AlgorithmParameters::RSA(_) => self.as_str().starts_with(['R', 'P']),
            AlgorithmParameters::EllipticCurve(ec) => match self {
                Self::ES256 => ec.curve == EllipticCurve::P256,
                Self::ES384 => ec.curve == EllipticCurve::P384,
                _ => false,
            },
            AlgorithmParameters::OctetKeyPair(pair) => {
                self == Self::EdDSA && pair.curve == EllipticCurve::Ed25519
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const X: &str = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
    const Y: &str = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";

    fn ec(kid: &str) -> Value {
        json!({"kty": "EC", "crv": "P-256", "x": X, "y": Y, "kid": kid})
    }

    fn read(keys: &[Value]) -> Result<KeySet, BadKeys> {
        let algorithms = [SigningAlgorithm::ES256, SigningAlgorithm::RS256];
        KeySet::read(json!({ "keys": keys }).to_string().as_bytes(), &algorithms)
    }

    fn with(mut key: Value, name: &str, value: Value) -> Value {
        key[name] = value;
        key
    }

    #[test]
    fn only_keys_that_fit_are_taken() {
        for unfit in [
            with(ec("a"), "use", json!("enc")),
            with(ec("a"), "key_ops", json!(["sign"])),
            with(ec("a"), "alg", json!("ES384")),
            json!({"kty": "oct", "k": "c2VjcmV0", "kid": "a"}),
            json!({"kty": "unheard-of"}),
            json!(7),
        ] {
            assert_eq!(
                read(std::slice::from_ref(&unfit)).unwrap_err(),
                BadKeys::NoneFits,
                "{unfit}"
            );
            assert_eq!(read(&[unfit, ec("b")]).unwrap().len(), 1);
        }
        assert!(
            read(&[with(
                with(ec("a"), "use", json!("sig")),
                "alg",
                json!("ES256")
            )])
            .is_ok()
        );
    }

    #[test]
    fn candidates_are_found_by_kid_and_algorithm() {
        let set = read(&[ec("a"), ec("b")]).unwrap();
        assert_eq!(set.candidates(Some("a"), Algorithm::ES256).len(), 1);
        assert_eq!(set.candidates(None, Algorithm::ES256).len(), 2);
        assert_eq!(set.candidates(Some("c"), Algorithm::ES256).len(), 0);
        assert_eq!(set.candidates(Some("a"), Algorithm::RS256).len(), 0);
        assert_eq!(set.candidates(Some("a"), Algorithm::HS256).len(), 0);
    }

    #[test]
    fn a_key_that_left_the_document_dies_and_one_that_stayed_lives() {
        let old = read(&[ec("a"), ec("b")]).unwrap();
        let [a, b] = ["a", "b"].map(|kid| old.candidates(Some(kid), Algorithm::ES256).remove(0));
        let mut new = read(&[ec("b"), ec("c")]).unwrap();
        new.succeed(&old);
        assert!(!a.is_live() && b.is_live());
        assert!(Arc::ptr_eq(
            &b,
            &new.candidates(Some("b"), Algorithm::ES256)[0]
        ));
    }

    #[test]
    fn what_is_no_document_is_refused_with_a_reason() {
        assert!(matches!(
            KeySet::read(b"<html>", &[]),
            Err(BadKeys::NotJwks(_))
        ));
        assert!(matches!(KeySet::read(b"{}", &[]), Err(BadKeys::NotJwks(_))));
        let many: Vec<Value> = (0..65).map(|n| ec(&n.to_string())).collect();
        assert_eq!(read(&many).unwrap_err(), BadKeys::TooMany(65));
    }
}
