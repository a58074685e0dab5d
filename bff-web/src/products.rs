//! `GET /products`: a page of products, each with its rating, its stock and what goes with it. Four calls, however many
//! products.
#![expect(
    unused_qualifications,
    reason = "written by utoipa's macro for parameters"
)]

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use composition::shop::{self, Listed, Product, Related, Stock};
use composition::{
    Bounded, Declared, Inbound, Loaded, Params, Parts, Plan, PlanError, Setup, Slot, View,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::cards::{Card, Rating};

const PRODUCTS: Slot<Listed<Product>> = Slot::named("products");
const RATINGS: Slot<Loaded<shop::Rating>> = Slot::named("ratings");
const STOCK: Slot<Loaded<Stock>> = Slot::named("stock");
const RELATED: Slot<Loaded<Related>> = Slot::named("related");

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Page {
    /// Which page, from 1; the first when it is left out.
    #[param(value_type = Option<u64>, minimum = 1, maximum = 1_000_000, example = 1)]
    page: Option<Bounded<1, 1_000_000>>,
    /// How many products, 20 when it is left out.
    #[param(value_type = Option<u64>, minimum = 1, maximum = 100, example = 20)]
    limit: Option<Bounded<1, 100>>,
}

struct Wanted {
    page: u64,
    limit: u64,
}

/// A page of products.
#[derive(Debug, Serialize, ToSchema)]
struct ProductsPage {
    items: Vec<Entry>,
    #[schema(example = 1)]
    page: u64,
    #[schema(example = 20)]
    limit: u64,
    /// How many there are in all.
    #[schema(example = 240)]
    total: Option<u64>,
}

/// A product with what belongs to it.
#[derive(Debug, Serialize, ToSchema)]
struct Entry {
    #[serde(flatten)]
    card: Card,
    rating: Option<Rating>,
    /// How many pieces there are.
    #[schema(example = 12)]
    available: Option<u64>,
    related: Option<Vec<Card>>,
}

pub(crate) fn screen(setup: &Setup) -> Result<OpenApiRouter, PlanError> {
    let view = View::new(&setup.engine, plan(setup)?, page);
    Ok(OpenApiRouter::new()
        .routes(routes!(products))
        .with_state(Arc::new(view)))
}

fn plan(setup: &Setup) -> Result<Plan<Wanted>, PlanError> {
    let shop::Shop {
        catalog,
        reviews,
        inventory,
        recommendations,
        ..
    } = setup.shop.clone();
    let ids = |_: &_, products: Arc<Listed<Product>>| {
        products.items.iter().map(|product| product.id).collect()
    };
    let parts = [
        Declared::new(PRODUCTS)
            .call(move |wanted: &composition::Ask<Wanted>, ()| {
                catalog.page(wanted.page, wanted.limit)
            })
            .required()
            .timeout(Duration::from_millis(800)),
        Declared::new(RATINGS)
            .after(PRODUCTS)
            .batch(ids, move |ids| reviews.ratings(ids)),
        Declared::new(STOCK)
            .after(PRODUCTS)
            .batch(ids, move |ids| inventory.of(ids)),
        Declared::new(RELATED)
            .after(PRODUCTS)
            .batch(ids, move |ids| recommendations.of(ids)),
    ];
    Plan::new("products", Duration::from_millis(1500), parts)
}

fn page(wanted: &Wanted, parts: &Parts<'_>) -> Option<ProductsPage> {
    let products = parts.get(PRODUCTS)?;
    let entry = |product: &Product| Entry {
        card: Card::of(product),
        rating: parts
            .get(RATINGS)
            .and_then(|ratings| ratings.get(&product.id))
            .map(Rating::of),
        available: parts
            .get(STOCK)
            .and_then(|stock| stock.get(&product.id))
            .map(|stock| stock.available),
        related: parts
            .get(RELATED)
            .and_then(|related| related.get(&product.id))
            .map(|related| related.related.iter().map(Card::of).collect()),
    };
    Some(ProductsPage {
        items: products.items.iter().map(entry).collect(),
        page: wanted.page,
        limit: wanted.limit,
        total: products.total,
    })
}

/// A page of products
#[utoipa::path(
    get,
    path = "/products",
    params(Page),
    responses((status = 200, description = "The page.", body = ProductsPage))
)]
async fn products(
    State(view): State<Arc<View<Wanted>>>,
    Extension(inbound): Extension<Arc<Inbound>>,
    Params(page): Params<Page>,
) -> Response {
    let wanted = Wanted {
        page: page.page.map_or(1, Bounded::get),
        limit: page.limit.map_or(20, Bounded::get),
    };
    view.answer(inbound, wanted).await
}
