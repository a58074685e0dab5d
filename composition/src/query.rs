//! Parameters of screens, strictly: what is not understood is refused, with what would be.

use std::fmt;

use axum::extract::{FromRequestParts, Path, Query};
use chassis::problem::Problem;
use http::request::Parts;
use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, de::DeserializeOwned};

use crate::problems::bad_request;

/// A screen's query parameters. An unknown one, one that is given twice, or a value out of range is 400.
///
/// `T` derives `Deserialize` with `deny_unknown_fields`.
#[derive(Clone, Debug)]
pub struct Params<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Query::try_from_uri(&parts.uri)
            .map(|Query(params)| Self(params))
            .map_err(|error| {
                let said = error.body_text();
                let reason = said
                    .split_once(": ")
                    .map_or(said.as_str(), |(_, reason)| reason);
                bad_request(reason)
            })
    }
}

/// What a screen without parameters takes.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoParams {}

/// The id in a path: a whole number from 1 to 9223372036854775807.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Id(pub u64);

/// Databases count in signed numbers.
const LARGEST: u64 = i64::MAX.unsigned_abs();

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let refused = || bad_request(format!("an id is a whole number from 1 to {LARGEST}"));
        let Path(text) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|_| refused())?;
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let id = text.parse().ok().filter(|_| digits);
        id.filter(|id| (1..=LARGEST).contains(id))
            .map(Self)
            .ok_or_else(refused)
    }
}

/// A whole number from `MIN` to `MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounded<const MIN: u64, const MAX: u64>(u64);

impl<const MIN: u64, const MAX: u64> Bounded<MIN, MAX> {
    /// The number.
    pub fn get(self) -> u64 {
        self.0
    }
}

impl<'de, const MIN: u64, const MAX: u64> Deserialize<'de> for Bounded<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number<const MIN: u64, const MAX: u64>;
        impl<const MIN: u64, const MAX: u64> serde::de::Visitor<'_> for Number<MIN, MAX> {
            type Value = Bounded<MIN, MAX>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a whole number from {MIN} to {MAX}")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
                let digits = text.bytes().all(|byte| byte.is_ascii_digit());
                let number = text.parse().ok().filter(|_| digits);
                number
                    .filter(|number| (MIN..=MAX).contains(number))
                    .map(Bounded)
                    .ok_or_else(|| {
                        E::custom(format_args!(
                            "{text:?} is not a whole number from {MIN} to {MAX}"
                        ))
                    })
            }
        }
        deserializer
            .deserialize_str(Number::<MIN, MAX>)
            .map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Uri;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Page {
        page: Option<Bounded<1, 1000>>,
        limit: Option<Bounded<1, 100>>,
    }

    async fn read(query: &'static str) -> Result<Page, String> {
        let uri = Uri::try_from(format!("/products?{query}")).unwrap();
        let (mut parts, ()) = http::Request::builder()
            .uri(uri)
            .body(())
            .unwrap()
            .into_parts();
        let read = Params::<Page>::from_request_parts(&mut parts, &()).await;
        read.map(|Params(page)| page)
            .map_err(|problem| String::from_utf8(problem.to_json().to_vec()).unwrap())
    }

    #[tokio::test]
    async fn what_is_not_understood_is_refused_with_what_would_be() {
        let page = read("page=2&limit=100").await.unwrap();
        assert_eq!(page.page.unwrap().get(), 2);
        assert!(read("").await.unwrap().limit.is_none());
        for (wrong, said) in [
            ("limit=0", "from 1 to 100"),
            ("limit=10000", "from 1 to 100"),
            ("limit=-1", "from 1 to 100"),
            ("limit=%2B5", "from 1 to 100"),
            ("limit=", "from 1 to 100"),
            ("page=99999999999999999999", "from 1 to 1000"),
            ("size=5", "expected `page` or `limit`"),
            ("page=1&page=2", "duplicate field `page`"),
        ] {
            let problem = read(wrong).await.unwrap_err();
            assert!(problem.contains(said), "{wrong}: {problem}");
            assert!(problem.contains("bad_request"), "{wrong}: {problem}");
        }
    }
}
