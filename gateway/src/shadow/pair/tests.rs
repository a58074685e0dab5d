use std::io::Write as _;
use std::sync::Arc;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use strangler::{Comparison, Kind, Outcome};

use super::compared;
use crate::forward::tap::{Memory, Tap};
use crate::shadow::compiled::{Direction, tests::copying};
use crate::shadow::config::ShadowConfig;
use crate::shadow::job::Answered;
use crate::shadow::state::Dropped;

fn answered(body: impl Into<Bytes>, encoding: Option<&'static str>) -> Answered {
    let mut tap = Tap::new(usize::MAX, &Arc::new(Memory::new(usize::MAX)));
    tap.saw(&body.into());
    tap.ended();
    let mut fields = HeaderMap::new();
    fields.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(encoding) = encoding {
        fields.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    Answered {
        status: StatusCode::OK,
        fields,
        body: tap,
    }
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn first(comparison: &Comparison) -> (&str, Kind, &str, &str) {
    let found = &comparison.differences[0];
    (&found.path, found.kind, &found.left, &found.right)
}

#[test]
fn legacy_is_on_the_left_whoever_answered() {
    let config = ShadowConfig::default();
    let (old, new) = (r#"{"price": 5}"#, r#"{"price": "5"}"#);
    let to_service = copying(&config, Direction::ToService);
    let (pair, noise) =
        compared(&to_service, answered(old, None), answered(new, None), None).unwrap();
    assert_eq!(first(&pair), ("$.price", Kind::Type, "5", "\"5\""));
    assert_eq!(noise, None);
    let to_legacy = copying(&config, Direction::ToLegacy);
    let (pair, _) = compared(&to_legacy, answered(new, None), answered(old, None), None).unwrap();
    assert_eq!(first(&pair), ("$.price", Kind::Type, "5", "\"5\""));
}

#[test]
fn what_is_packed_is_compared_by_what_it_says() {
    let copying = copying(&ShadowConfig::default(), Direction::ToService);
    let plain = answered(r#"{"a": 1, "b": 2}"#, None);
    let packed = answered(gzip(br#"{"b": 2.0, "a": 1}"#), Some("gzip"));
    let (pair, _) = compared(&copying, plain, packed, None).unwrap();
    assert_eq!(pair.outcome(), Outcome::Matched);
    let bomb = answered(gzip(&vec![b' '; 2 * 1024 * 1024]), Some("gzip"));
    let result = compared(&copying, answered("{}", None), bomb, None);
    assert_eq!(result.unwrap_err(), Dropped::ResponseTooLarge);
}

#[test]
fn what_takes_too_long_to_look_at_is_no_pair() {
    let copying = copying(&ShadowConfig::default(), Direction::ToService);
    let many = || answered(format!("[{}0]", "0,".repeat(300_000)), None);
    let none = || answered("[]", None);
    let result = compared(&copying, none(), many(), None);
    assert_eq!(result.unwrap_err(), Dropped::TooComplex);
    // Without the second answer the pair counts as any other.
    let (_, noise) = compared(&copying, none(), none(), Some(many())).unwrap();
    assert_eq!(noise, None);
}

#[test]
fn what_a_side_says_twice_is_compared_with_itself() {
    let copying = copying(&ShadowConfig::default(), Direction::ToService);
    let said = |id: &'static str| answered(id, None);
    let (pair, noise) = compared(
        &copying,
        said(r#"{"id": 1}"#),
        said(r#"{"id": 2}"#),
        Some(said(r#"{"id": 3}"#)),
    )
    .unwrap();
    assert_eq!(first(&pair).2, "1");
    let noise = noise.unwrap();
    assert_eq!((first(&noise).2, first(&noise).3), ("1", "3"));
}
