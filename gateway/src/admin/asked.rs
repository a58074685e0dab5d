//! What a request to admin asks for: a question that cannot be understood is answered as a problem.

use axum::extract::{FromRequestParts, Path, Query};
use chassis::problem::Problem;
use http::StatusCode;
use http::request::Parts;
use serde::de::DeserializeOwned;

/// The query's parameters. `T` knows all that there are.
#[derive(Clone, Debug)]
pub(super) struct Asked<T>(pub(super) T);

/// The route that a path names.
#[derive(Clone, Debug)]
pub(super) struct Named(pub(super) String);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let asked = Query::try_from_uri(&parts.uri);
        let asked = asked.map_err(|error| bad(&error.body_text()))?;
        Ok(Self(asked.0))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let named = Path::<String>::from_request_parts(parts, state).await;
        let Path(route) = named.map_err(|error| bad(&error.body_text()))?;
        Ok(Self(route))
    }
}

/// A question that cannot be understood: why.
pub(super) fn bad(detail: &str) -> Problem {
    let (status, code) = (StatusCode::BAD_REQUEST, "bad_question");
    Problem::new(status, code, "The question cannot be understood").detail(detail)
}
