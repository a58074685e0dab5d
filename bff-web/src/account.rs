//! `GET /account`: who one is here, what one bought and thought of it.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use composition::shop::{self, Listed, Order, Review, User};
use composition::{Declared, Inbound, NoParams, Params, Parts, Plan, PlanError, Setup, Slot, View};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::cards::OrderLine;

const ACCOUNT: Slot<User> = Slot::named("account");
const ORDERS: Slot<Listed<Order>> = Slot::named("orders");
const REVIEWS: Slot<Listed<Review>> = Slot::named("reviews");

/// How many of each are shown.
const SHOWN: u64 = 10;

/// The caller's page.
#[derive(Debug, Serialize, ToSchema)]
struct AccountPage {
    #[schema(example = 7)]
    id: u64,
    #[schema(example = "Alice Adler")]
    name: String,
    #[schema(example = "alice.adler7@mail.example")]
    email: String,
    #[schema(example = "gold")]
    plan: Option<String>,
    /// The newest first.
    orders: Option<Vec<OrderLine>>,
    reviews: Option<Vec<OwnReview>>,
}

/// What the caller thinks of a product.
#[derive(Debug, Serialize, ToSchema)]
struct OwnReview {
    #[schema(example = 7)]
    product: u64,
    /// 1 to 5.
    #[schema(example = 4)]
    stars: u64,
    #[schema(example = "Good value.")]
    text: Option<String>,
}

pub(crate) fn screen(setup: &Setup) -> Result<OpenApiRouter, PlanError> {
    let view = View::new(&setup.engine, plan(setup)?, |(), parts| page(parts));
    Ok(OpenApiRouter::new()
        .routes(routes!(account))
        .with_state(Arc::new(view)))
}

fn plan(setup: &Setup) -> Result<Plan<()>, PlanError> {
    let shop::Shop {
        reviews,
        orders,
        users,
        ..
    } = setup.shop.clone();
    let parts = [
        Declared::new(ACCOUNT)
            .call(move |_, ()| users.me())
            .required()
            .timeout(Duration::from_millis(800)),
        Declared::new(ORDERS).call(move |_, ()| orders.newest(SHOWN)),
        Declared::new(REVIEWS).call(move |_, ()| reviews.mine(SHOWN)),
    ];
    Plan::new("account", Duration::from_millis(1500), parts)
}

fn page(parts: &Parts<'_>) -> Option<AccountPage> {
    let user = parts.get(ACCOUNT)?;
    let orders = parts.get(ORDERS);
    let reviews = parts.get(REVIEWS);
    Some(AccountPage {
        id: user.id,
        name: user.name.clone(),
        email: user.email.clone(),
        plan: user.plan.clone(),
        orders: orders.map(|orders| orders.items.iter().map(OrderLine::of).collect()),
        reviews: reviews.map(|reviews| reviews.items.iter().map(own).collect()),
    })
}

fn own(review: &Review) -> OwnReview {
    OwnReview {
        product: review.product,
        stars: review.stars,
        text: review.text.clone(),
    }
}

/// The caller's page
#[utoipa::path(get, path = "/account", responses((status = 200, description = "The page.", body = AccountPage)))]
async fn account(
    State(view): State<Arc<View<()>>>,
    Extension(inbound): Extension<Arc<Inbound>>,
    Params(NoParams {}): Params<NoParams>,
) -> Response {
    view.answer(inbound, ()).await
}
