//! Published cases of signatures (Wycheproof), where the folder with them is at hand: what it calls invalid must not
//! pass, what it calls valid must, with the keys and algorithms that we take.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::is_signed_by;
use crate::auth::config::SigningAlgorithm::{
    self, ES256, ES384, PS256, PS384, PS512, RS256, RS384, RS512,
};
use crate::auth::keys::KeySet;
use crate::auth::token::Unverified;

const ALGORITHMS: [SigningAlgorithm; 8] = [ES256, ES384, PS256, PS384, PS512, RS256, RS384, RS512];

#[expect(
    clippy::disallowed_methods,
    reason = "the folder of published cases may be elsewhere"
)]
fn folder() -> PathBuf {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors");
    std::env::var("BANYAN_VECTORS").map_or(beside, PathBuf::from)
}

/// The same token with a claims object for a payload cannot be signed by us, so header and signature are looked at alone.
fn passes(jws: &str, key: &Value) -> bool {
    let document = json!({ "keys": [key] }).to_string();
    let Ok(keys) = KeySet::read(document.as_bytes(), &ALGORITHMS) else {
        return false;
    };
    let Ok(header) = Unverified::read_header(jws) else {
        return false;
    };
    let candidates = keys.candidates(header.kid.as_deref(), header.algorithm);
    candidates.iter().any(|key| is_signed_by(jws, key, &header))
}

/// A token with another algorithm than its key declares is refused, whatever the signature; P-521 is not taken at all.
fn is_ours(jws: &str, key: &Value) -> bool {
    let Ok(header) = Unverified::read_header(jws) else {
        return false;
    };
    let declared = key.get("alg").and_then(Value::as_str);
    declared.is_none_or(|declared| format!("{:?}", header.algorithm) == declared)
}

#[test]
fn published_signatures_are_told_apart() {
    let file = folder().join("jose/json_web_signature_test.json");
    let Ok(text) = std::fs::read(&file) else {
        println!("skipped: {} is not there", file.display());
        return;
    };
    let document: Value = serde_json::from_slice(&text).unwrap();
    let (mut checked, mut wrong) = (0, Vec::new());
    for group in document["testGroups"].as_array().unwrap() {
        // Shared secrets do not come in documents of ours; groups without a public key are those.
        let Some(key) = group.get("public") else {
            continue;
        };
        for case in group["tests"].as_array().unwrap() {
            let jws = case["jws"].as_str().unwrap_or_default();
            let valid = case["result"] == "valid" && is_ours(jws, key);
            checked += 1;
            if passes(jws, key) != valid {
                wrong.push(format!(
                    "{} {} ({})",
                    case["tcId"], case["comment"], case["result"]
                ));
            }
        }
    }
    assert!(checked > 300, "{checked}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}
