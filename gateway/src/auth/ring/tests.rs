use std::collections::BTreeSet;

use serde_json::json;
use tokio::task::JoinSet;

use super::*;
use crate::auth::config::JwksUrl;

const X: &str = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
const Y: &str = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";
const NOW: Duration = Duration::from_secs(1_800_000_007);

fn ring() -> Arc<KeyRing> {
    let config = IssuerConfig {
        name: "shop".into(),
        issuer: "x".into(),
        audience: vec!["x".into()],
        algorithms: vec![SigningAlgorithm::ES256],
        keys: KeySource::Url(Box::new(JwksUrl {
            url: "http://127.0.0.1:1/jwks".parse().unwrap(),
            ttl: Duration::from_mins(10),
            refresh_ahead: Duration::from_mins(1),
            unknown_kid_cooldown: Duration::from_secs(30),
            stale_if_error: Duration::from_hours(24),
        })),
        leeway: Duration::ZERO,
        required: BTreeSet::new(),
        max_token: 8192,
        groups_claim: "groups".into(),
        scopes_claim: "scope".into(),
        plan_claim: "plan".into(),
        forward_token: true,
    };
    Arc::new(KeyRing::open(&config).unwrap())
}

fn document(kid: &str) -> Vec<u8> {
    let key = json!({"kty": "EC", "crv": "P-256", "x": X, "y": Y, "kid": kid});
    json!({ "keys": [key] }).to_string().into_bytes()
}

async fn knows(ring: &KeyRing, kid: &str, unix: Duration) -> bool {
    !ring
        .candidates(Some(kid), Algorithm::ES256, unix)
        .await
        .is_empty()
}

#[tokio::test(start_paused = true)]
async fn a_request_before_the_first_fetch_waits_for_it() {
    let ring = ring();
    let mut waiting = JoinSet::new();
    for _ in 0..3 {
        let ring = Arc::clone(&ring);
        waiting.spawn(async move { knows(&ring, "a", NOW).await });
    }
    tokio::task::yield_now().await;
    assert!(ring.fetch_ended(Ok(&document("a"))));
    assert_eq!(waiting.join_all().await, [true; 3]);
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_unknown_key_ids_ask_for_one_fetch() {
    let ring = ring();
    ring.fetch_ended(Ok(&document("a")));
    let provider = Arc::clone(&ring);
    let mut providing = JoinSet::new();
    providing.spawn(async move {
        let mut fetches = 0;
        while tokio::time::timeout(Duration::from_secs(20), provider.wanted())
            .await
            .is_ok()
        {
            fetches += 1;
            provider.fetch_ended(Ok(&document("a")));
        }
        fetches
    });
    for n in 0..10_000 {
        assert!(!knows(&ring, &format!("random-{n}"), NOW).await);
    }
    assert_eq!(providing.join_all().await, [1]);
}

#[tokio::test(start_paused = true)]
async fn a_rotated_key_is_fetched_when_a_token_names_it() {
    let ring = ring();
    ring.fetch_ended(Ok(&document("a")));
    let asking = Arc::clone(&ring);
    let mut asked = JoinSet::new();
    asked.spawn(async move { knows(&asking, "b", NOW).await });
    ring.wanted().await;
    ring.fetch_ended(Ok(&document("b")));
    assert_eq!(asked.join_all().await, [true]);
    // The next stranger has to wait until the cool-down is over.
    assert!(!knows(&ring, "c", NOW + Duration::from_secs(29)).await);
    assert_eq!(ring.fetches(), 2);
}

#[tokio::test]
async fn keys_at_hand_are_used_while_the_provider_is_down() {
    let ring = ring();
    ring.fetch_ended(Ok(&document("a")));
    ring.fetch_ended(Err("connection refused".into()));
    assert!(knows(&ring, "a", NOW).await);
    assert_eq!(ring.status(), (1, Some("connection refused".into())));
}

#[tokio::test(start_paused = true)]
async fn a_token_that_names_no_key_has_newer_ones_fetched_once() {
    let ring = ring();
    ring.fetch_ended(Ok(&document("a")));
    let asking = Arc::clone(&ring);
    let mut asked = JoinSet::new();
    asked.spawn(async move { asking.newer_candidates(Algorithm::ES256, NOW).await });
    ring.wanted().await;
    ring.fetch_ended(Ok(&document("b")));
    assert_eq!(asked.join_all().await[0].len(), 1);
    assert!(knows(&ring, "b", NOW).await);
    // Within the cool-down nobody fetches again, and nobody waits.
    let again = ring
        .newer_candidates(Algorithm::ES256, NOW + Duration::from_secs(29))
        .await;
    assert_eq!((again.len(), ring.fetches()), (1, 2));
}
