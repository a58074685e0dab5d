//! What every handler answers with, and how it reads lists, pages and callers.

use axum::Json;
use axum::extract::{FromRequestParts, Query};
use axum::response::{IntoResponse, Response};
use chassis::principal::{USER_ID, unescape};
use chassis::problem::Problem;
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::data::user_of;

/// Ids that may be asked for at once, and items on a page.
pub const MOST: usize = 100;

/// Items on a page when nothing is said.
const PAGE: usize = 20;

/// An answer or a problem.
pub type Answer = Result<Response, Problem>;

/// `?page=&limit=&after=&ids=&product=`, as lists take it.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct ListQuery {
    page: Option<usize>,
    limit: Option<usize>,
    ids: Option<String>,
    /// What follows this id, instead of a page.
    pub after: Option<u64>,
    /// Of which product.
    pub product: Option<u64>,
}

impl<S: Sync> FromRequestParts<S> for ListQuery {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Query::try_from_uri(&parts.uri)
            .map(|Query(query)| query)
            .map_err(|error| bad(&error.body_text()))
    }
}

impl ListQuery {
    /// The ids that were asked for, in their order.
    pub fn ids(&self) -> Result<Option<Vec<u64>>, Problem> {
        let Some(text) = &self.ids else {
            return Ok(None);
        };
        let ids: Result<Vec<u64>, _> = text
            .split(',')
            .filter(|id| !id.is_empty())
            .map(str::parse)
            .collect();
        match ids {
            Ok(ids) if ids.len() <= MOST => Ok(Some(ids)),
            Ok(_) => Err(bad("ids: at most 100 at once")),
            Err(_) => Err(bad("ids: whole numbers with commas between them")),
        }
    }

    /// The ids, which this list cannot do without.
    pub fn needed_ids(&self) -> Result<Vec<u64>, Problem> {
        self.ids()?
            .ok_or_else(|| bad("ids: say which, as ids=1,2,3"))
    }

    /// One page of a list.
    pub fn page<T: Serialize>(&self, all: impl ExactSizeIterator<Item = T>) -> Answer {
        ok(self.paged(all)?)
    }

    /// What a page of a list says.
    pub fn paged<T: Serialize>(
        &self,
        all: impl ExactSizeIterator<Item = T>,
    ) -> Result<Value, Problem> {
        let (page, limit) = (self.page.unwrap_or(1), self.limit()?);
        if page == 0 {
            return Err(bad("page: from 1"));
        }
        let total = all.len();
        let items: Vec<T> = all
            .skip((page - 1).saturating_mul(limit))
            .take(limit)
            .collect();
        Ok(json!({ "items": items, "page": page, "limit": limit, "total": total }))
    }

    /// What follows `after` in a list that is sorted by `id`. Unlike a page, it stays where it was while items are added.
    pub fn following<T: Serialize>(
        &self,
        after: u64,
        all: impl Iterator<Item = T>,
        id: impl Fn(&T) -> u64,
    ) -> Answer {
        if self.page.is_some() || self.ids.is_some() {
            return Err(bad("after: not together with page or ids"));
        }
        let limit = self.limit()?;
        let mut rest = all.skip_while(|item| id(item) <= after);
        let items: Vec<T> = rest.by_ref().take(limit).collect();
        let next = rest.next().and(items.last()).map(&id);
        ok(json!({ "items": items, "limit": limit, "next": next }))
    }

    fn limit(&self) -> Result<usize, Problem> {
        match self.limit.unwrap_or(PAGE) {
            limit @ 1..=MOST => Ok(limit),
            _ => Err(bad("limit: from 1 to 100")),
        }
    }
}

/// 200 with JSON.
pub fn ok(value: impl Serialize) -> Answer {
    Ok(Json(value).into_response())
}

/// 400.
pub fn bad(detail: &str) -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "bad_request",
        "The request cannot be understood",
    )
    .detail(detail)
}

/// 404.
pub fn not_found(what: &str) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not_found", "There is no such thing").detail(what)
}

/// 405.
pub fn wrong_method() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "Not with this method",
    )
}

/// 500: the store cannot be read or written.
pub fn broken(error: &std::io::Error) -> Problem {
    Problem::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "store_broken",
        "The store failed",
    )
    .detail(error.to_string())
}

/// An id in a path.
pub fn id(text: &str) -> Result<u64, Problem> {
    text.parse().map_err(|_| bad("an id is a whole number"))
}

/// The caller's account. Who fronts this says who it is, and takes what strangers say about themselves away.
pub fn caller(fields: &HeaderMap) -> Result<u64, Problem> {
    let subject = fields.get(USER_ID).and_then(|value| value.to_str().ok());
    subject
        .map(|subject| user_of(&unescape(subject)))
        .ok_or_else(|| {
            Problem::new(
                StatusCode::UNAUTHORIZED,
                "caller_unknown",
                "Nobody says who is calling",
            )
            .detail("x-user-id is missing")
        })
}
