//! `/orders`: one's own. Somebody else's order does not exist.
//!
//! Every answer says in `meta.generated_at` when it was made. No two are the same there, whoever gives them.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{OriginalUri, Path, State};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use chassis::clock::Clock;
use chassis::problem::Problem;
use http::header::LOCATION;
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::answer::{Answer, ListQuery, MOST, bad, broken, caller, id, not_found, ok};
use crate::data::{Data, Item, Order, OrderStatus, total};
use crate::stub::Stub;

/// Pieces of one product in one order.
const PIECES: u64 = 1_000;

/// Below whichever prefix it is mounted.
pub fn router() -> Router<Arc<Stub>> {
    Router::new()
        .route("/orders", get(list).post(create))
        .route("/orders/{id}", get(one))
        .route("/orders/{id}/cancel", post(cancel))
}

/// What somebody wants to buy.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    items: Vec<WantedItem>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WantedItem {
    product: u64,
    quantity: u64,
}

async fn list(State(stub): State<Arc<Stub>>, query: ListQuery, fields: HeaderMap) -> Answer {
    let own = stub
        .store
        .orders_of(caller(&fields)?)
        .map_err(|error| broken(&error))?;
    ok(stamped(query.paged(own.into_iter())?))
}

async fn one(
    State(stub): State<Arc<Stub>>,
    Path(order): Path<String>,
    fields: HeaderMap,
) -> Answer {
    ok(stamped(own(&stub, &order, &fields)?))
}

async fn create(
    State(stub): State<Arc<Stub>>,
    OriginalUri(uri): OriginalUri,
    fields: HeaderMap,
    body: Bytes,
) -> Answer {
    let user = caller(&fields)?;
    let wanted: Wanted = serde_json::from_slice(&body).map_err(|error| bad(&error.to_string()))?;
    let items = priced(stub.store.data(), wanted.items)?;
    let order = Order {
        id: 0,
        user,
        status: OrderStatus::Placed,
        created: Clock::system().unix().as_secs(),
        total: total(&items),
        items,
        currency: "EUR".to_owned(),
    };
    let placed = stub.store.place(order).map_err(|error| broken(&error))?;
    let location = format!("{}/{}", uri.path().trim_end_matches('/'), placed.id);
    let answer = Json(stamped(placed));
    Ok((StatusCode::CREATED, [(LOCATION, location)], answer).into_response())
}

async fn cancel(
    State(stub): State<Arc<Stub>>,
    Path(order): Path<String>,
    fields: HeaderMap,
) -> Answer {
    let before = own(&stub, &order, &fields)?;
    let after = stub
        .store
        .cancel(before.id)
        .map_err(|error| broken(&error))?;
    match after {
        Some(order) if order.status == OrderStatus::Cancelled => ok(stamped(order)),
        _ => Err(Problem::new(
            StatusCode::CONFLICT,
            "not_cancellable",
            "The order cannot be cancelled any more",
        )
        .detail("it has been shipped")),
    }
}

/// The same, and when it was said.
fn stamped(answer: impl Serialize) -> Value {
    let mut answer = json!(answer);
    let micros = i64::try_from(Clock::system().unix().as_micros()).unwrap_or_default();
    let now = Timestamp::from_microsecond(micros).unwrap_or_default();
    answer["meta"] = json!({ "generated_at": format!("{now:.6}") });
    answer
}

fn own(stub: &Stub, order: &str, fields: &HeaderMap) -> Result<Order, Problem> {
    let (user, id) = (caller(fields)?, id(order)?);
    let order = stub.store.order(id).map_err(|error| broken(&error))?;
    order
        .filter(|order| order.user == user)
        .ok_or_else(|| not_found("you have no order with this id"))
}

fn priced(data: &Data, wanted: Vec<WantedItem>) -> Result<Vec<Item>, Problem> {
    let unprocessable = |detail: &str| {
        Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "bad_order",
            "This cannot be ordered",
        )
        .detail(detail)
    };
    if wanted.is_empty() || wanted.len() > MOST {
        return Err(unprocessable("1 to 100 items"));
    }
    let price = |item: WantedItem| {
        let product = data
            .product(item.product)
            .ok_or_else(|| unprocessable("there is no such product"))?;
        if !(1..=PIECES).contains(&item.quantity) {
            return Err(unprocessable("1 to 1000 pieces of each"));
        }
        Ok(Item {
            product: item.product,
            quantity: item.quantity,
            price: product.price,
        })
    };
    wanted.into_iter().map(price).collect()
}
