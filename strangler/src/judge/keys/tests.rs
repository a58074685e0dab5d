use proptest::prelude::*;

use super::*;

fn keys(hashes: impl IntoIterator<Item = u32>) -> Keys {
    let mut keys = Keys::default();
    for hash in hashes {
        keys.insert(hash);
    }
    keys
}

/// So many keys, spread over all hashes.
fn many(from: u32, count: u32) -> Keys {
    keys((from..from + count).map(|at| at.wrapping_mul(0x9e37_79b1)))
}

fn round_trip(keys: &Keys) -> Keys {
    serde_json::from_str(&serde_json::to_string(keys).unwrap()).unwrap()
}

#[test]
fn a_set_is_bounded_and_still_knows_about_how_many_there_were() {
    let large = many(0, 300_000);
    assert!(large.len() <= MAX_MEMBERS);
    let off = large.estimate().abs_diff(300_000);
    assert!(off < 15_000, "{}", large.estimate());
    assert_eq!(round_trip(&large), large);
}

#[test]
fn the_sample_is_the_same_however_it_came_about() {
    let at_once = many(0, 200_000);
    let (mut left, right) = (many(0, 120_000), many(100_000, 100_000));
    left.merge(&right);
    assert_eq!(left, at_once);
}

#[test]
fn two_samples_are_looked_at_below_the_smaller_limit() {
    let (large, small) = (many(0, 100_000), many(0, 1000));
    assert!(large.limit() < small.limit());
    assert_eq!(small.outside(&large, large.limit()), 0);
    assert_eq!(large.outside(&large, large.limit()), 0);
    let half = small.outside(&Keys::default(), large.limit());
    assert!((400..600).contains(&half), "{half}");
}

#[test]
fn what_is_no_set_is_refused() {
    let refuse = |limit: u32, bytes: &[u8]| {
        let json = serde_json::json!({ "limit": limit, "units": STANDARD.encode(bytes) });
        assert!(
            serde_json::from_value::<Keys>(json.clone()).is_err(),
            "{json}"
        );
    };
    let bytes = |units: RoaringBitmap| {
        let mut bytes = Vec::new();
        units.serialize_into(&mut bytes).unwrap();
        bytes
    };
    let one = bytes([1000].into_iter().collect());
    refuse(0, &one);
    refuse(3 << 10, &one);
    refuse(u32::MAX, &one);
    refuse(512, &one);
    refuse(UNITS, &one[..one.len() - 1]);
    refuse(UNITS, &[]);
    refuse(UNITS, &bytes([UNITS].into_iter().collect()));
    refuse(UNITS, &bytes((0..70_000).collect()));
    let mut runs = (0..60_000).collect::<RoaringBitmap>();
    runs.optimize();
    refuse(UNITS, &bytes(runs));
    let no_base64 = r#"{"limit":4194304,"units":"%"}"#;
    assert!(serde_json::from_str::<Keys>(no_base64).is_err());
}

proptest! {
    #[test]
    fn merging_is_insertion(left in prop::collection::vec(any::<u32>(), 0..200), right in prop::collection::vec(any::<u32>(), 0..200)) {
        let mut merged = keys(left.clone());
        merged.merge(&keys(right.clone()));
        prop_assert_eq!(&merged, &keys(right.into_iter().chain(left)));
        prop_assert_eq!(&round_trip(&merged), &merged);
    }

    #[test]
    fn hostile_bytes_are_an_error_never_a_panic(limit in any::<u32>(), tail in prop::collection::vec(any::<u8>(), 0..300), headed: bool, containers in 0..80_u32) {
        let mut bytes = Vec::new();
        if headed {
            bytes.extend(COOKIE.to_le_bytes());
            bytes.extend(containers.to_le_bytes());
        }
        bytes.extend(tail);
        let json = serde_json::json!({ "limit": limit, "units": STANDARD.encode(bytes) });
        if let Ok(keys) = serde_json::from_value::<Keys>(json) {
            prop_assert!(keys.len() <= MAX_MEMBERS);
            prop_assert!(keys.estimate() >= keys.len());
        }
    }
}

/// Callers of one side share buckets; a set must not take them for fewer than they are.
#[test]
fn callers_of_few_buckets_are_counted_like_any() {
    let bucketer = crate::Bucketer::new("orders", 1);
    let five = crate::Percent::try_from(5.0).unwrap();
    let (mut keys, mut real) = (Keys::default(), 0_u64);
    for user in 0..600_000 {
        let bucket = bucketer.bucket(&format!("user-{user}"));
        if bucket.is_within(five) {
            keys.insert(bucket.hash());
            real += 1;
        }
    }
    let off = real.abs_diff(keys.len());
    assert!(off * 100 < real, "{} of {real}", keys.len());
}
