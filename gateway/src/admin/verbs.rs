//! What an operator says at run time, and the question whether a file may say it.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{ConnectInfo, State};
use chassis::problem::Problem;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use strangler::Phase;
use strangler::printable::printable;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::AdminState;
use super::asked::Named;
use super::migrations::{not_kept, refused};
use crate::progress::standing::Word;
use crate::progress::verb::{Spoken, Verb};
use crate::progress::{Actor, Said};
use crate::reload::{Reloader, Unsaid};

/// Longer words are a mistake.
const WORD_MAX: usize = 1_000;

/// All of it.
pub(super) fn router() -> OpenApiRouter<Arc<AdminState>> {
    OpenApiRouter::new()
        .routes(routes!(kill))
        .routes(routes!(rollback))
        .routes(routes!(hold))
        .routes(routes!(resume))
        .routes(routes!(advance))
        .routes(routes!(kill_all))
        .routes(routes!(resume_all))
        .routes(routes!(permission))
}

/// Who says something, and why.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// Who says it.
    #[schema(
        max_length = 1000,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"
    )]
    pub who: String,
    /// Why: whoever is paged next reads it.
    #[schema(
        max_length = 1000,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"
    )]
    pub why: String,
    /// Only for `resume` after a rollback: the same callers come first again.
    #[serde(default)]
    pub keep_cohort: bool,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Done {
    /// Which route; `*` is all of them.
    pub route: String,
    /// What was in force.
    pub before: String,
    /// What is.
    pub after: String,
    /// It will be there after a restart.
    pub kept: bool,
    /// Why not, if so.
    pub trouble: Option<String>,
}

/// The question whether a file may declare a phase.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Wish {
    /// The phase.
    #[schema(value_type = String, pattern = "^(legacy|shadow|canary|migrated|retired)$")]
    pub to: Phase,
    /// Who asks.
    #[schema(
        max_length = 1000,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"
    )]
    pub who: String,
    /// Why.
    #[schema(
        max_length = 1000,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"
    )]
    pub why: String,
    /// Within the same phase, more callers than before.
    #[serde(default)]
    pub forward: bool,
    /// It may in any case: kept, and audited.
    #[serde(default)]
    pub force: bool,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Permission {
    /// The file may declare it.
    pub allowed: bool,
    /// What speaks against it.
    pub against: Option<String>,
}

type Answer<T> = Result<Json<T>, Problem>;
type Given<T> = Result<Json<T>, JsonRejection>;

/// All of a route's callers to legacy, and no copies, until somebody resumes.
#[utoipa::path(post, path = "/migrations/{route}/kill", params(("route" = String, Path)), request_body = Order,
    responses((status = 200, body = Done), (status = 404, description = "No such route"), (status = 409, description = "Not in its state")))]
async fn kill(
    State(state): State<Arc<AdminState>>,
    peer: ConnectInfo<std::net::SocketAddr>,
    Named(route): Named,
    order: Given<Order>,
) -> Answer<Done> {
    say(state, peer, route, order, |_| Verb::Kill).await
}

/// A canary's callers return to legacy; it stays declared.
#[utoipa::path(post, path = "/migrations/{route}/rollback", params(("route" = String, Path)), request_body = Order,
    responses((status = 200, body = Done), (status = 404, description = "No such route"), (status = 409, description = "No canary")))]
async fn rollback(
    State(state): State<Arc<AdminState>>,
    peer: ConnectInfo<std::net::SocketAddr>,
    Named(route): Named,
    order: Given<Order>,
) -> Answer<Done> {
    say(state, peer, route, order, |_| Verb::Rollback).await
}

/// Nothing moves a route forward until somebody resumes.
#[utoipa::path(post, path = "/migrations/{route}/hold", params(("route" = String, Path)), request_body = Order,
    responses((status = 200, body = Done), (status = 404, description = "No such route")))]
async fn hold(
    State(state): State<Arc<AdminState>>,
    peer: ConnectInfo<std::net::SocketAddr>,
    Named(route): Named,
    order: Given<Order>,
) -> Answer<Done> {
    say(state, peer, route, order, |_| Verb::Hold).await
}

/// Takes back what was said of a route.
#[utoipa::path(post, path = "/migrations/{route}/resume", params(("route" = String, Path)), request_body = Order,
    responses((status = 200, body = Done), (status = 404, description = "No such route"), (status = 409, description = "Nothing to take back")))]
async fn resume(
    State(state): State<Arc<AdminState>>,
    peer: ConnectInfo<std::net::SocketAddr>,
    Named(route): Named,
    order: Given<Order>,
) -> Answer<Done> {
    let verb = |order: &Order| Verb::Resume {
        keep_cohort: order.keep_cohort,
    };
    say(state, peer, route, order, verb).await
}

/// A canary goes on to its next step, whatever the judge thinks of the one in force.
#[utoipa::path(post, path = "/migrations/{route}/advance", params(("route" = String, Path)), request_body = Order,
    responses((status = 200, body = Done), (status = 404, description = "No such route"), (status = 409, description = "No canary with steps, or something stands over it")))]
async fn advance(
    State(state): State<Arc<AdminState>>,
    peer: ConnectInfo<std::net::SocketAddr>,
    Named(route): Named,
    order: Given<Order>,
) -> Answer<Done> {
    say(state, peer, route, order, |_| Verb::Advance).await
}

/// All callers of all routes to legacy.
#[utoipa::path(post, path = "/kill", request_body = Order, responses((status = 200, body = Done)))]
async fn kill_all(
    State(state): State<Arc<AdminState>>,
    peer: ConnectInfo<std::net::SocketAddr>,
    order: Given<Order>,
) -> Answer<Done> {
    say_of_all(state, peer, order, true).await
}

/// Takes the kill of all routes back; what was said of single routes stays.
#[utoipa::path(post, path = "/resume", request_body = Order,
    responses((status = 200, body = Done), (status = 409, description = "Nothing to take back")))]
async fn resume_all(
    State(state): State<Arc<AdminState>>,
    peer: ConnectInfo<std::net::SocketAddr>,
    order: Given<Order>,
) -> Answer<Done> {
    say_of_all(state, peer, order, false).await
}

/// Whether a file may declare a phase for a route. With `force` it may, whatever speaks against it.
#[utoipa::path(post, path = "/migrations/{route}/permission", params(("route" = String, Path)), request_body = Wish,
    responses((status = 200, body = Permission), (status = 404, description = "No such route")))]
async fn permission(
    State(state): State<Arc<AdminState>>,
    ConnectInfo(peer): ConnectInfo<std::net::SocketAddr>,
    Named(route): Named,
    wish: Given<Wish>,
) -> Answer<Permission> {
    let Json(wish) = wish.map_err(|error| bad(&error.body_text()))?;
    let order = Order {
        who: wish.who,
        why: wish.why,
        keep_cohort: false,
    };
    let actor = actor(&state, peer, &order)?;
    let (to, force) = ((wish.to, wish.forward), wish.force);
    let asking = move |reloader: &Reloader| reloader.may_enter(&route, to, force, &actor);
    let against = run(&state, asking).await?;
    Ok(Json(Permission {
        allowed: against.is_none(),
        against,
    }))
}

async fn say(
    state: Arc<AdminState>,
    ConnectInfo(peer): ConnectInfo<std::net::SocketAddr>,
    route: String,
    order: Given<Order>,
    verb: impl FnOnce(&Order) -> Verb,
) -> Answer<Done> {
    let Json(order) = order.map_err(|error| bad(&error.body_text()))?;
    let (actor, verb) = (actor(&state, peer, &order)?, verb(&order));
    let of = route.clone();
    let said = run(&state, move |reloader| reloader.say(verb, &of, &actor)).await?;
    Ok(Json(done(verb.as_str(), route, said)))
}

async fn say_of_all(
    state: Arc<AdminState>,
    ConnectInfo(peer): ConnectInfo<std::net::SocketAddr>,
    order: Given<Order>,
    kill: bool,
) -> Answer<Done> {
    let Json(order) = order.map_err(|error| bad(&error.body_text()))?;
    let actor = actor(&state, peer, &order)?;
    let said = run(&state, move |reloader| reloader.say_of_all(kill, &actor)).await?;
    let verb = if kill { "kill" } else { "resume" };
    Ok(Json(done(verb, "*".to_owned(), said)))
}

/// On a thread that may wait for a disk.
async fn run<T: Send + 'static>(
    state: &AdminState,
    order: impl FnOnce(&Reloader) -> Result<T, Unsaid> + Send + 'static,
) -> Result<T, Problem> {
    let reloader = Arc::clone(&state.reloader);
    let done = tokio::task::spawn_blocking(move || order(&reloader)).await;
    done.map_err(|_| not_kept())?.map_err(|error| match &error {
        Unsaid::Verb(error) => refused(error),
        Unsaid::Build(_) => not_kept().detail(error.to_string()),
    })
}

fn done(verb: &str, route: String, (spoken, said): (Spoken, Said)) -> Done {
    let Spoken { before, after } = spoken;
    tracing::warn!(verb, route, before, after, "an operator has spoken");
    let trouble = match said {
        Said::Kept => None,
        Said::NotKept(why) => Some(why),
    };
    Done {
        route,
        before,
        after,
        kept: trouble.is_none(),
        trouble,
    }
}

/// Whoever is paged next must find somebody to ask.
pub(super) fn actor(
    state: &AdminState,
    peer: std::net::SocketAddr,
    order: &Order,
) -> Result<Actor, Problem> {
    for (name, word) in [("who", &order.who), ("why", &order.why)] {
        if word.trim().is_empty() {
            return Err(bad(&format!(
                "{name} is empty: say it, whoever is paged next reads it"
            )));
        }
        if word.chars().count() > WORD_MAX || word.chars().any(char::is_control) {
            return Err(bad(&format!(
                "{name}: at most {WORD_MAX} characters in one line"
            )));
        }
    }
    Ok(Actor {
        what: "api",
        peer: peer.ip().to_canonical().to_string(),
        // Whoever reads it reads it in a terminal.
        word: Word::new(
            &printable(&order.who),
            &printable(&order.why),
            state.progress.now(),
        ),
    })
}

pub(super) fn bad(detail: &str) -> Problem {
    let (status, code) = (StatusCode::BAD_REQUEST, "bad_order");
    Problem::new(status, code, "The order cannot be understood").detail(detail)
}
