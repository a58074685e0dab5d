//! `GET /home`: some products, and for whoever is known their name and how many orders are on their way.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use composition::shop::{self, Listed, Order, Product, User};
use composition::{
    Ask, Declared, Inbound, Meta, Params, Parts, Plan, PlanError, Problem, Setup, Slot, View,
    selectable,
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::presentation::{Presentation, Thumb};
use crate::tile::Tile;

const PRODUCTS: Slot<Listed<Product>> = Slot::named("products");
const ACCOUNT: Slot<User> = Slot::named("account");
const ORDERS: Slot<Listed<Order>> = Slot::named("orders");

/// How many of each are looked at.
const PRODUCTS_SHOWN: u64 = 8;
const ORDERS_READ: u64 = 10;

/// The fields that `?fields=` may name.
const FIELDS: [&str; 3] = ["products", "greeting", "on_their_way"];

/// More would be slow on a bad connection, bytes.
const SIZE_BUDGET: usize = 6 * 1024;

/// The first screen.
#[derive(Debug, Serialize, ToSchema)]
struct HomeScreen {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    products: Vec<Tile>,
    /// For whoever is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Alice Adler")]
    greeting: Option<String>,
    /// How many of the newest orders are, for whoever is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 1)]
    on_their_way: Option<usize>,
}

pub(crate) fn screen(setup: &Setup) -> Result<OpenApiRouter, PlanError> {
    let view = View::new(&setup.engine, plan(setup)?, |thumb, parts| {
        Some(home_screen(*thumb, parts))
    });
    let view = view.meta(Meta::WhenAsked).size_budget(SIZE_BUDGET);
    let described = OpenApiRouter::new()
        .routes(routes!(home))
        .with_state(Arc::new(view));
    Ok(selectable(described, &FIELDS))
}

fn plan(setup: &Setup) -> Result<Plan<Thumb>, PlanError> {
    let shop::Shop {
        catalog,
        users,
        orders,
        ..
    } = setup.shop.clone();
    let is_known = |ask: &Ask<Thumb>| !ask.inbound.is_anonymous();
    let parts = [
        Declared::new(PRODUCTS).call(move |_, ()| catalog.page(1, PRODUCTS_SHOWN)),
        Declared::new(ACCOUNT)
            .call(move |_, ()| users.me())
            .when(is_known),
        Declared::new(ORDERS)
            .call(move |_, ()| orders.newest(ORDERS_READ))
            .when(is_known),
    ];
    Plan::new("home", Duration::from_millis(1200), parts)
}

fn home_screen(thumb: Thumb, parts: &Parts<'_>) -> HomeScreen {
    let products = parts.get(PRODUCTS).into_iter();
    let products = products.flat_map(|products| &products.items);
    let on_their_way = |orders: &Listed<Order>| {
        let shipped = |order: &&Order| order.status == "shipped";
        orders.items.iter().filter(shipped).count()
    };
    HomeScreen {
        products: products.map(|product| Tile::of(product, thumb)).collect(),
        greeting: parts.get(ACCOUNT).map(|user| user.name.clone()),
        on_their_way: parts.get(ORDERS).map(on_their_way),
    }
}

/// The first screen
#[utoipa::path(
    get,
    path = "/home",
    params(Presentation),
    responses((status = 200, description = "The screen.", body = HomeScreen))
)]
async fn home(
    State(view): State<Arc<View<Thumb>>>,
    Extension(inbound): Extension<Arc<Inbound>>,
    Params(presentation): Params<Presentation>,
) -> Result<Response, Problem> {
    let shape = presentation.shape(&FIELDS)?;
    Ok(view.shaped(inbound, presentation.thumb(), shape).await)
}
