//! The story of the routes, and what became of the messages that tell of it.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{ConnectInfo, State};
use chassis::problem::Problem;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::AdminState;
use super::asked::{Asked, Named};
use super::migrations::{Limit, not_kept, past};
use super::verbs::{Order, actor, bad};
use crate::store::outbox::{MessageRow, MessageState, Outbox};
use crate::store::rows::{Audit, Event};

/// All of it.
pub(super) fn router() -> OpenApiRouter<Arc<AdminState>> {
    OpenApiRouter::new()
        .routes(routes!(events))
        .routes(routes!(notifications))
        .routes(routes!(retry))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Story {
    /// Only what happened to this one, or to all.
    #[param(nullable = false)]
    route: Option<String>,
    /// So many at most.
    #[param(nullable = false, minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Which {
    /// Those in this state are listed: dead ones, if not said.
    #[param(nullable = false, inline)]
    state: Option<MessageState>,
    /// So many at most.
    #[param(nullable = false, minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// Who wants a message to be tried again, and why.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Retry {
    /// Who says so.
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
}

/// What happened to the routes, the newest first; also to those that are no longer in the file.
#[utoipa::path(get, path = "/events", params(Story), responses((status = 200, body = Vec<Event>)))]
async fn events(
    State(state): State<Arc<AdminState>>,
    Asked(asked): Asked<Story>,
) -> Result<Json<Vec<Event>>, Problem> {
    let Story { route, limit } = asked;
    past(state, Limit { limit }, move |store, limit| {
        store.events(route, limit)
    })
    .await
}

/// What became of the messages to webhooks: counts, and those in one state, the newest first.
#[utoipa::path(get, path = "/notifications", params(Which), responses((status = 200, body = Outbox)))]
async fn notifications(
    State(state): State<Arc<AdminState>>,
    Asked(asked): Asked<Which>,
) -> Result<Json<Outbox>, Problem> {
    let config = Arc::clone(&state.shared.current.load().config);
    let of = asked.state.unwrap_or(MessageState::Dead);
    let asked = Limit { limit: asked.limit };
    let Json(mut outbox) = past(state, asked, move |store, limit| store.outbox(of, limit)).await?;
    for name in config.webhooks.keys() {
        outbox.webhooks.entry(name.clone()).or_default();
    }
    Ok(Json(outbox))
}

/// A dead message is tried again, as if it were new.
#[utoipa::path(post, path = "/notifications/{id}/retry", params(("id" = String, Path)), request_body = Retry,
    responses((status = 200, body = MessageRow), (status = 404, description = "No such message"), (status = 409, description = "It is not dead, or its webhook is not in the file")))]
async fn retry(
    State(state): State<Arc<AdminState>>,
    ConnectInfo(peer): ConnectInfo<std::net::SocketAddr>,
    Named(id): Named,
    retry: Result<Json<Retry>, JsonRejection>,
) -> Result<Json<MessageRow>, Problem> {
    let Json(Retry { who, why }) = retry.map_err(|error| bad(&error.body_text()))?;
    let order = Order {
        who,
        why,
        keep_cohort: false,
    };
    let actor = actor(&state, peer, &order)?;
    let audit = Audit {
        at: state.progress.now(),
        who: actor.word.who,
        peer: actor.peer,
        what: "retry".to_owned(),
        route: String::new(),
        why: actor.word.why,
        before: String::new(),
        after: String::new(),
        generation: state.progress.generation(),
    };
    let retrying = move || revive(&state, &id, audit);
    let retried = tokio::task::spawn_blocking(retrying).await;
    retried.map_err(|_| not_kept())?.map(Json)
}

fn revive(state: &AdminState, id: &str, audit: Audit) -> Result<MessageRow, Problem> {
    let unkept = |why: String| not_kept().detail(why);
    let store = state.progress.store().map_err(unkept)?;
    let known = || {
        let found = store.message(id.to_owned());
        let found = found.map_err(|error| unkept(error.to_string()))?;
        found.ok_or_else(|| {
            Problem::new(
                StatusCode::NOT_FOUND,
                "message_unknown",
                "There is no such message",
            )
            .detail(format!("no message {id:?} is kept"))
        })
    };
    let message = known()?;
    let webhook = &message.webhook;
    if !state
        .shared
        .current
        .load()
        .config
        .webhooks
        .contains_key(webhook)
    {
        return Err(not_now(format!(
            "{id} is for webhook.{webhook}, which is not in the file: write it there first"
        )));
    }
    let said = Audit {
        route: message.route.clone(),
        before: format!("{id} to {webhook}: {}", message.state),
        after: format!("{id} to {webhook}: pending"),
        ..audit
    };
    let revived = store.revive(id.to_owned(), said);
    if !revived.map_err(|error| unkept(error.to_string()))? {
        let state = message.state;
        return Err(not_now(format!(
            "{id} is {state}: only a dead message is tried again"
        )));
    }
    state.progress.desk().written();
    known()
}

fn not_now(detail: String) -> Problem {
    let (status, code) = (StatusCode::CONFLICT, "not_now");
    Problem::new(status, code, "The message is not in a state for this").detail(detail)
}
