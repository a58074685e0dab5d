//! `/payments`: charge, look, refund.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{OriginalUri, Path, State};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use chassis::problem::Problem;
use http::header::LOCATION;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use crate::answer::{Answer, bad, broken, caller, id, not_found, ok};
use crate::data::OrderStatus;
use crate::store::{Payment, PaymentStatus};
use crate::stub::Stub;

/// Below whichever prefix it is mounted.
pub fn router() -> Router<Arc<Stub>> {
    Router::new()
        .route("/payments", post(charge))
        .route("/payments/{id}", get(one))
        .route("/payments/{id}/refund", post(refund))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Charge {
    order: u64,
    amount: u64,
    method: String,
}

async fn charge(
    State(stub): State<Arc<Stub>>,
    OriginalUri(uri): OriginalUri,
    fields: HeaderMap,
    body: Bytes,
) -> Answer {
    let user = caller(&fields)?;
    let Charge {
        order,
        amount,
        method,
    } = serde_json::from_slice(&body).map_err(|error| bad(&error.to_string()))?;
    let known = stub.store.order(order).map_err(|error| broken(&error))?;
    let known = known
        .filter(|order| order.user == user)
        .ok_or_else(|| not_found("you have no such order"))?;
    if known.status == OrderStatus::Cancelled {
        return Err(conflict("order_cancelled", "The order was cancelled"));
    }
    if amount != known.total {
        return Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "wrong_amount",
            "This is not what the order costs",
        )
        .detail(format!("the order costs {}", known.total)));
    }
    let payment = Payment {
        id: 0,
        order,
        user,
        amount,
        method,
        status: PaymentStatus::Charged,
    };
    let charged = stub.store.charge(payment).map_err(|error| broken(&error))?;
    let charged = charged.ok_or_else(|| conflict("already_paid", "The order is paid for"))?;
    let location = format!("{}/{}", uri.path().trim_end_matches('/'), charged.id);
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(charged)).into_response())
}

async fn one(
    State(stub): State<Arc<Stub>>,
    Path(payment): Path<String>,
    fields: HeaderMap,
) -> Answer {
    ok(own(&stub, &payment, &fields)?)
}

async fn refund(
    State(stub): State<Arc<Stub>>,
    Path(payment): Path<String>,
    fields: HeaderMap,
) -> Answer {
    let before = own(&stub, &payment, &fields)?;
    if before.status == PaymentStatus::Refunded {
        return Err(conflict(
            "already_refunded",
            "The money was given back before",
        ));
    }
    let after = stub
        .store
        .refund(before.id)
        .map_err(|error| broken(&error))?;
    ok(after.ok_or_else(|| not_found("you have no such payment"))?)
}

fn conflict(code: &'static str, title: &'static str) -> Problem {
    Problem::new(StatusCode::CONFLICT, code, title)
}

fn own(stub: &Stub, payment: &str, fields: &HeaderMap) -> Result<Payment, Problem> {
    let (user, id) = (caller(fields)?, id(payment)?);
    let payment = stub.store.payment(id).map_err(|error| broken(&error))?;
    payment
        .filter(|payment| payment.user == user)
        .ok_or_else(|| not_found("you have no such payment"))
}
