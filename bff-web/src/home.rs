//! `GET /home`: some products with what people think of them, and for whoever is known their name and newest orders.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use composition::shop::{self, Listed, Order, Product, User};
use composition::{
    Ask, Declared, Inbound, Loaded, NoParams, Params, Parts, Plan, PlanError, Setup, Slot, View,
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::cards::{Card, OrderLine, Rating};

const PRODUCTS: Slot<Listed<Product>> = Slot::named("products");
const RATINGS: Slot<Loaded<shop::Rating>> = Slot::named("ratings");
const ACCOUNT: Slot<User> = Slot::named("account");
const ORDERS: Slot<Listed<Order>> = Slot::named("orders");

/// How many of each are shown.
const PRODUCTS_SHOWN: u64 = 8;
const ORDERS_SHOWN: u64 = 3;

/// The first page.
#[derive(Debug, Serialize, ToSchema)]
struct HomePage {
    /// Null while products cannot be had.
    products: Option<Vec<Highlight>>,
    /// Null for whoever is not known.
    #[schema(example = "Alice Adler")]
    greeting: Option<String>,
    /// Null for whoever is not known.
    orders: Option<Vec<OrderLine>>,
}

/// A product that is shown first.
#[derive(Debug, Serialize, ToSchema)]
struct Highlight {
    #[serde(flatten)]
    card: Card,
    rating: Option<Rating>,
}

pub(crate) fn screen(setup: &Setup) -> Result<OpenApiRouter, PlanError> {
    let view = View::new(&setup.engine, plan(setup)?, |(), parts| Some(page(parts)));
    Ok(OpenApiRouter::new()
        .routes(routes!(home))
        .with_state(Arc::new(view)))
}

fn plan(setup: &Setup) -> Result<Plan<()>, PlanError> {
    let shop::Shop {
        catalog,
        reviews,
        users,
        orders,
        ..
    } = setup.shop.clone();
    let is_known = |ask: &Ask<()>| !ask.inbound.is_anonymous();
    let parts = [
        Declared::new(PRODUCTS).call(move |_, ()| catalog.page(1, PRODUCTS_SHOWN)),
        Declared::new(RATINGS).after(PRODUCTS).batch(
            |_, products| products.items.iter().map(|product| product.id).collect(),
            move |ids| reviews.ratings(ids),
        ),
        Declared::new(ACCOUNT)
            .call(move |_, ()| users.me())
            .when(is_known),
        Declared::new(ORDERS)
            .call(move |_, ()| orders.newest(ORDERS_SHOWN))
            .when(is_known),
    ];
    Plan::new("home", Duration::from_millis(1500), parts)
}

fn page(parts: &Parts<'_>) -> HomePage {
    let rating = |product: &Product| parts.get(RATINGS)?.get(&product.id).map(Rating::of);
    let highlight = |product: &Product| Highlight {
        card: Card::of(product),
        rating: rating(product),
    };
    let products = parts.get(PRODUCTS);
    let orders = parts.get(ORDERS);
    HomePage {
        products: products.map(|products| products.items.iter().map(highlight).collect()),
        greeting: parts.get(ACCOUNT).map(|user| user.name.clone()),
        orders: orders.map(|orders| orders.items.iter().map(OrderLine::of).collect()),
    }
}

/// The first page
#[utoipa::path(get, path = "/home", responses((status = 200, description = "The page.", body = HomePage)))]
async fn home(
    State(view): State<Arc<View<()>>>,
    Extension(inbound): Extension<Arc<Inbound>>,
    Params(NoParams {}): Params<NoParams>,
) -> Response {
    view.answer(inbound, ()).await
}
