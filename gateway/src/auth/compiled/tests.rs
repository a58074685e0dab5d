use std::cell::RefCell;
use std::collections::BTreeSet;

use chassis::secret::SecretString;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::json;

use super::*;
use crate::auth::cache::TokenCache;
use crate::auth::config::{KeySource, SigningAlgorithm};
use crate::auth::stage::{Denied, authenticate, authorise};

const SECRET: &str = "a-secret-of-at-least-32-bytes-for-hs256";
const NOW: Duration = Duration::from_secs(1_800_000_007);

fn issuer(change: impl FnOnce(&mut IssuerConfig)) -> Arc<Issuer> {
    let mut config = IssuerConfig {
        name: "shop".into(),
        issuer: "https://id.shop.example".into(),
        audience: vec!["shop-api".into()],
        algorithms: vec![SigningAlgorithm::HS256],
        keys: KeySource::Secret(SecretString::from(SECRET)),
        leeway: Duration::from_secs(30),
        required: BTreeSet::from(["exp", "iss", "aud"].map(String::from)),
        max_token: 8 * 1024,
        groups_claim: "groups".into(),
        scopes_claim: "scope".into(),
        plan_claim: "plan".into(),
        forward_token: true,
    };
    change(&mut config);
    let ring = Arc::new(KeyRing::open(&config).unwrap());
    Arc::new(Issuer { config, ring })
}

fn claims() -> Value {
    json!({
        "iss": "https://id.shop.example", "aud": "shop-api", "sub": "alice", "exp": NOW.as_secs() + 60,
        "scope": "orders:read orders:write", "groups": ["staff"], "plan": "gold",
    })
}

fn without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().shift_remove(name);
    claims
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

fn signed(claims: &Value) -> String {
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &key).unwrap()
}

fn policy(issuer: &Arc<Issuer>) -> Policy {
    Policy::Tokens {
        issuers: vec![Arc::clone(issuer)],
        scopes: vec![],
        groups: vec![],
        optional: false,
    }
}

fn bearing(token: &str) -> HeaderMap {
    let mut fields = HeaderMap::new();
    fields.insert(AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
    fields
}

async fn ask(policy: &Policy, fields: &HeaderMap) -> Result<Option<std::rc::Rc<Verified>>, Denied> {
    authenticate(policy, fields, &RefCell::new(TokenCache::default()), NOW).await
}

async fn refused(issuer: &Arc<Issuer>, claims: &Value) -> TokenError {
    match ask(&policy(issuer), &bearing(&signed(claims))).await {
        Err(Denied::BadToken(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_good_token_says_who_is_calling() {
    let verified = ask(&policy(&issuer(|_| {})), &bearing(&signed(&claims())))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(verified.principal.user, "alice");
    assert_eq!(verified.principal.scopes, ["orders:read", "orders:write"]);
    assert_eq!(verified.principal.groups, ["staff"]);
    assert_eq!(verified.principal.plan.as_deref(), Some("gold"));
}

#[tokio::test]
async fn claims_that_must_be_there_must_be_right() {
    let shop = issuer(|_| {});
    for name in ["exp", "aud"] {
        assert_eq!(
            refused(&shop, &without(name)).await,
            TokenError::Missing(name.into())
        );
    }
    let now = NOW.as_secs();
    for (claims, error) in [
        (without("iss"), TokenError::Missing("iss".into())),
        (without("sub"), TokenError::Missing("sub".into())),
        (
            with("exp", json!("soon")),
            TokenError::Missing("exp".into()),
        ),
        (with("exp", json!(now - 31)), TokenError::Expired),
        (with("nbf", json!(now + 31)), TokenError::NotYet),
        (
            with("iss", json!("https://evil.example")),
            TokenError::Issuer,
        ),
        (with("aud", json!(["other"])), TokenError::Audience),
        (with("aud", json!(7)), TokenError::Audience),
    ] {
        assert_eq!(refused(&shop, &claims).await, error, "{claims}");
    }
}

#[tokio::test]
async fn clocks_may_disagree_by_the_leeway() {
    let shop = issuer(|_| {});
    let now = NOW.as_secs();
    for fine in [
        with("exp", json!(now - 29)),
        with("nbf", json!(now + 29)),
        with("aud", json!(["x", "shop-api"])),
    ] {
        assert!(
            ask(&policy(&shop), &bearing(&signed(&fine))).await.is_ok(),
            "{fine}"
        );
    }
}

#[tokio::test]
async fn forged_and_unsigned_tokens_are_refused() {
    let shop = issuer(|_| {});
    let other = jsonwebtoken::encode(
        &Header::new(Algorithm::HS256),
        &claims(),
        &EncodingKey::from_secret(b"somebody else's secret of 32 bytes"),
    );
    let none = format!(
        "eyJhbGciOiJub25lIn0.{}.",
        signed(&claims()).split('.').nth(1).unwrap()
    );
    let hs512 = EncodingKey::from_secret(SECRET.as_bytes());
    let hs512 = jsonwebtoken::encode(&Header::new(Algorithm::HS512), &claims(), &hs512);
    for (token, error) in [
        (other.unwrap(), TokenError::Signature),
        (none, TokenError::Algorithm),
        (hs512.unwrap(), TokenError::Algorithm),
        ("x".repeat(10_000), TokenError::TooLong),
    ] {
        assert_eq!(
            ask(&policy(&shop), &bearing(&token)).await.unwrap_err(),
            Denied::BadToken(error)
        );
    }
}

#[tokio::test]
async fn a_public_key_is_never_taken_for_a_shared_secret() {
    // The classic confusion: HS256 with the text of the public key as secret.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.json");
    let jwk = json!({
        "kty": "EC", "crv": "P-256", "kid": "7",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    });
    std::fs::write(&path, json!({ "keys": [jwk] }).to_string()).unwrap();
    let shop = issuer(|config| {
        config.algorithms = vec![SigningAlgorithm::ES256];
        config.keys = KeySource::File(path);
    });
    assert_eq!(refused(&shop, &claims()).await, TokenError::Algorithm);
}

#[tokio::test]
async fn no_token_is_nobody_only_where_that_is_allowed() {
    let shop = issuer(|_| {});
    assert_eq!(
        ask(&policy(&shop), &HeaderMap::new()).await.unwrap_err(),
        Denied::NoToken
    );
    let optional = Policy::Tokens {
        issuers: vec![shop],
        scopes: vec![],
        groups: vec![],
        optional: true,
    };
    assert!(ask(&optional, &HeaderMap::new()).await.unwrap().is_none());
    assert!(matches!(
        ask(&optional, &bearing("x")).await,
        Err(Denied::BadToken(_))
    ));
    let mut twice = bearing(&signed(&claims()));
    twice.append(AUTHORIZATION, "Bearer x".parse().unwrap());
    assert_eq!(
        ask(&optional, &twice).await.unwrap_err(),
        Denied::BadToken(TokenError::Duplicate)
    );
}

#[tokio::test]
async fn scopes_are_all_needed_and_one_group_is() {
    let shop = issuer(|_| {});
    let verified = ask(&policy(&shop), &bearing(&signed(&claims())))
        .await
        .unwrap();
    let asks = |scopes: &[&str], groups: &[&str]| {
        let own = |list: &[&str]| list.iter().map(ToString::to_string).collect();
        let issuers = vec![Arc::clone(&shop)];
        let policy = Policy::Tokens {
            issuers,
            scopes: own(scopes),
            groups: own(groups),
            optional: true,
        };
        authorise(&policy, verified.as_deref())
    };
    assert_eq!(asks(&["orders:read"], &["staff", "x"]), Ok(()));
    assert_eq!(
        asks(&["orders:read", "admin"], &[]),
        Err(Denied::Scope("admin".into()))
    );
    assert_eq!(asks(&[], &["x"]), Err(Denied::Group));
}

#[tokio::test]
async fn a_cached_token_ends_with_its_time_and_with_its_issuer() {
    let shop = issuer(|_| {});
    let cache = RefCell::new(TokenCache::default());
    let fields = bearing(&signed(&claims()));
    let at = |policy: Policy, unix| {
        let (cache, fields) = (&cache, &fields);
        async move { authenticate(&policy, fields, cache, unix).await }
    };
    let first = at(policy(&shop), NOW).await.unwrap().unwrap();
    let again = at(policy(&shop), NOW).await.unwrap().unwrap();
    assert!(std::rc::Rc::ptr_eq(&first, &again));
    let late = at(policy(&shop), NOW + Duration::from_secs(91)).await;
    assert_eq!(late.unwrap_err(), Denied::BadToken(TokenError::Expired));
    // The same table with another audience is another issuer.
    let moved = issuer(|config| config.audience = vec!["other".into()]);
    assert_eq!(
        at(policy(&moved), NOW).await.unwrap_err(),
        Denied::BadToken(TokenError::Audience)
    );
}

#[tokio::test]
async fn a_flood_of_tokens_does_not_grow_the_cache() {
    let shop = issuer(|_| {});
    let verified = ask(&policy(&shop), &bearing(&signed(&claims())))
        .await
        .unwrap()
        .unwrap();
    let mut cache = TokenCache::default();
    for n in 0..20_000 {
        cache.insert(&format!("{n:0500}"), std::rc::Rc::clone(&verified));
    }
    assert!((1_000..=4 * 1024).contains(&cache.len()), "{}", cache.len());
}
