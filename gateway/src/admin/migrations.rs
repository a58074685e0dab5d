//! How far the routes have got: the scoreboard, the differences, who uses the old sides, what happened.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use chassis::problem::Problem;
use http::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::AdminState;
use super::asked::{Asked, Named, bad};
use crate::progress::verb::{VerbError, migration};
use crate::scoreboard::diffs::{Differences, differences};
use crate::scoreboard::{MINUTES, RouteRow, Scoreboard, Sources};
use crate::snapshot::Snapshot;
use crate::store::rows::{Audit, Event, Generation, Use};
use crate::store::{Store, StoreError};

/// So many rows of the past at most.
const ROWS_MAX: u32 = 1_000;
/// So many where nobody says.
const ROWS: u32 = 100;
/// Older windows are not at hand.
const MINUTES_MAX: u32 = 15;

/// All of it.
pub(super) fn router() -> OpenApiRouter<Arc<AdminState>> {
    OpenApiRouter::new()
        .routes(routes!(all))
        .routes(routes!(one))
        .routes(routes!(diffs))
        .routes(routes!(users))
        .routes(routes!(events))
        .routes(routes!(audit))
        .routes(routes!(generations))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Minutes {
    /// Error rates and latencies of so many minutes.
    #[param(nullable = false, minimum = 1, maximum = 15)]
    minutes: Option<u32>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Limit {
    /// So many at most.
    #[param(nullable = false, minimum = 1, maximum = 1000)]
    pub(super) limit: Option<u32>,
}

/// The scoreboard of all routes that move.
#[utoipa::path(get, path = "/migrations", params(Minutes), responses((status = 200, body = Scoreboard)))]
async fn all(
    State(state): State<Arc<AdminState>>,
    Asked(asked): Asked<Minutes>,
) -> Result<Json<Scoreboard>, Problem> {
    seen(state, asked, |sources| Ok(sources.scoreboard())).await
}

/// One route of the scoreboard.
#[utoipa::path(get, path = "/migrations/{route}", params(("route" = String, Path), Minutes),
    responses((status = 200, body = RouteRow), (status = 404, description = "No such route, or it has no two sides")))]
async fn one(
    State(state): State<Arc<AdminState>>,
    Named(route): Named,
    Asked(asked): Asked<Minutes>,
) -> Result<Json<RouteRow>, Problem> {
    seen(state, asked, move |sources| {
        known(sources, &route)?;
        sources.row(&route).ok_or_else(not_kept)
    })
    .await
}

/// What both sides of a route differ in, with samples.
#[utoipa::path(get, path = "/migrations/{route}/diffs", params(("route" = String, Path)),
    responses((status = 200, body = Differences), (status = 404, description = "No such route, or nothing was compared")))]
async fn diffs(
    State(state): State<Arc<AdminState>>,
    Named(route): Named,
) -> Result<Json<Differences>, Problem> {
    let asked = Minutes { minutes: None };
    seen(state, asked, move |sources| {
        known(sources, &route)?;
        let row = sources.row(&route).ok_or_else(not_kept)?;
        let nothing = || {
            Problem::new(StatusCode::NOT_FOUND, "nothing_compared", "Nothing was compared")
                .detail(format!("no request of {route} was copied; declare phase = \"shadow\", or write a [route.{route}.shadow]"))
        };
        let totals = row.shadow.ok_or_else(nothing)?;
        Ok(differences(&sources.comparisons.route(&route), totals))
    })
    .await
}

/// Who used the old side of a route, the last one first.
#[utoipa::path(get, path = "/migrations/{route}/users", params(("route" = String, Path)),
    responses((status = 200, body = Vec<Use>), (status = 404, description = "No such route, or it has no two sides")))]
async fn users(
    State(state): State<Arc<AdminState>>,
    Named(route): Named,
) -> Result<Json<Vec<Use>>, Problem> {
    let asked = Minutes { minutes: None };
    seen(state, asked, move |sources| {
        known(sources, &route)?;
        Ok(sources.progress.users(&route))
    })
    .await
}

/// What happened to a route, the newest first.
#[utoipa::path(get, path = "/migrations/{route}/events", params(("route" = String, Path), Limit),
    responses((status = 200, body = Vec<Event>), (status = 404, description = "No such route, or it has no two sides"), (status = 503, description = "State is not kept")))]
async fn events(
    State(state): State<Arc<AdminState>>,
    Named(route): Named,
    Asked(asked): Asked<Limit>,
) -> Result<Json<Vec<Event>>, Problem> {
    migration(&state.shared.current.load().config, &route).map_err(|error| refused(&error))?;
    past(state, asked, move |store, limit| {
        store.events(Some(route), limit)
    })
    .await
}

/// Who did what, the newest first.
#[utoipa::path(get, path = "/audit", params(Limit),
    responses((status = 200, body = Vec<Audit>), (status = 503, description = "State is not kept")))]
async fn audit(
    State(state): State<Arc<AdminState>>,
    Asked(asked): Asked<Limit>,
) -> Result<Json<Vec<Audit>>, Problem> {
    past(state, asked, Store::audit).await
}

/// The files that were taken over, the newest first.
#[utoipa::path(get, path = "/generations", params(Limit),
    responses((status = 200, body = Vec<Generation>), (status = 503, description = "State is not kept")))]
async fn generations(
    State(state): State<Arc<AdminState>>,
    Asked(asked): Asked<Limit>,
) -> Result<Json<Vec<Generation>>, Problem> {
    past(state, asked, Store::generations).await
}

/// Looks at what is in force, beside the threads that answer: whoever changes it may have it for a moment.
async fn seen<T: Send + 'static>(
    state: Arc<AdminState>,
    asked: Minutes,
    look: impl FnOnce(&Sources<'_>) -> Result<T, Problem> + Send + 'static,
) -> Result<Json<T>, Problem> {
    let minutes = within("minutes", asked.minutes, MINUTES_MAX)?.map_or(MINUTES, u64::from);
    let looking = move || {
        let snapshot: Arc<Snapshot> = state.shared.current.load_full();
        look(&Sources {
            config: &snapshot.config,
            progress: &state.progress,
            comparisons: &state.shared.comparisons,
            minutes,
        })
    };
    let looked = tokio::task::spawn_blocking(looking).await;
    looked.map_err(|_| not_kept())?.map(Json)
}

pub(super) async fn past<T: Send + 'static>(
    state: Arc<AdminState>,
    asked: Limit,
    look: impl FnOnce(&Store, u32) -> Result<T, StoreError> + Send + 'static,
) -> Result<Json<T>, Problem> {
    let limit = within("limit", asked.limit, ROWS_MAX)?.unwrap_or(ROWS);
    let looking = move || {
        let store = state
            .progress
            .store()
            .map_err(|why| not_kept().detail(why))?;
        look(store, limit).map_err(|error| not_kept().detail(error.to_string()))
    };
    let looked = tokio::task::spawn_blocking(looking).await;
    looked.map_err(|_| not_kept())?.map(Json)
}

/// A number that was asked for, from 1 to `most`.
fn within(name: &str, asked: Option<u32>, most: u32) -> Result<Option<u32>, Problem> {
    match asked {
        Some(asked) if !(1..=most).contains(&asked) => {
            Err(bad(&format!("{name} is a number from 1 to {most}")))
        }
        asked => Ok(asked),
    }
}

fn known(sources: &Sources<'_>, route: &str) -> Result<(), Problem> {
    migration(sources.config, route).map_err(|error| refused(&error))?;
    Ok(())
}

/// An error of a verb, or of a question about a route.
pub(super) fn refused(error: &VerbError) -> Problem {
    let (status, code, title) = match error {
        VerbError::Unknown { .. } => (
            StatusCode::NOT_FOUND,
            "route_unknown",
            "There is no such route",
        ),
        VerbError::NoSides(_) => (
            StatusCode::NOT_FOUND,
            "route_without_sides",
            "This route does not move",
        ),
        VerbError::Retired(_)
        | VerbError::NoCanary { .. }
        | VerbError::NoSteps { .. }
        | VerbError::Stands { .. }
        | VerbError::NothingSaid(_)
        | VerbError::KilledWithAll { .. } => (
            StatusCode::CONFLICT,
            "not_now",
            "The route is not in a state for this",
        ),
    };
    Problem::new(status, code, title).detail(error.to_string())
}

/// What was asked for cannot be told.
pub(super) fn not_kept() -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "state_unavailable",
        "State is not kept",
    )
}
