//! `GET /orders/{id}`: an order with the names and pictures of what was bought.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use composition::shop::{self, Item, Order, Product};
use composition::{
    Ask, Declared, Id, Inbound, Loaded, Meta, Params, Parts, Plan, PlanError, Problem, Setup, Slot,
    View, selectable,
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::presentation::{Presentation, Thumb};

const ORDER: Slot<Order> = Slot::named("order");
const PRODUCTS: Slot<Loaded<Product>> = Slot::named("products");

/// The fields that `?fields=` may name.
const FIELDS: [&str; 6] = ["id", "status", "created", "items", "total", "currency"];

/// More would be slow on a bad connection, bytes.
const SIZE_BUDGET: usize = 8 * 1024;

struct Asked {
    id: u64,
    thumb: Thumb,
}

/// An order's screen.
#[derive(Debug, Serialize, ToSchema)]
struct OrderScreen {
    #[schema(required = false, example = 121)]
    id: u64,
    #[schema(required = false, example = "shipped")]
    status: String,
    /// Seconds since 1970.
    #[schema(required = false, example = 1_768_096_800)]
    created: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    items: Vec<Line>,
    /// In minor units of the currency.
    #[schema(required = false, example = 25980)]
    total: u64,
    /// ISO 4217.
    #[schema(required = false, example = "EUR")]
    currency: String,
}

/// A line of the order.
#[derive(Debug, Serialize, ToSchema)]
struct Line {
    #[schema(example = 7)]
    product: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Oak lamp by Fjord")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "/images/products/7/1.jpg?w=160")]
    thumbnail: Option<String>,
    #[schema(example = 2)]
    quantity: u64,
    /// One piece, in minor units.
    #[schema(example = 12990)]
    price: u64,
}

pub(crate) fn screen(setup: &Setup) -> Result<OpenApiRouter, PlanError> {
    let view = View::new(&setup.engine, plan(setup)?, order_screen);
    let view = view.meta(Meta::WhenAsked).size_budget(SIZE_BUDGET);
    let described = OpenApiRouter::new()
        .routes(routes!(order))
        .with_state(Arc::new(view));
    Ok(selectable(described, &FIELDS))
}

fn plan(setup: &Setup) -> Result<Plan<Asked>, PlanError> {
    let shop::Shop {
        catalog, orders, ..
    } = setup.shop.clone();
    let parts = [
        Declared::new(ORDER)
            .call(move |asked: &Ask<Asked>, ()| orders.one(asked.id))
            .required()
            .timeout(Duration::from_millis(800)),
        Declared::new(PRODUCTS).after(ORDER).batch(
            |_, order| order.items.iter().map(|item| item.product).collect(),
            move |ids| catalog.several(ids),
        ),
    ];
    Plan::new("order", Duration::from_millis(1500), parts)
}

fn order_screen(asked: &Asked, parts: &Parts<'_>) -> Option<OrderScreen> {
    let order = parts.get(ORDER)?;
    let line = |item: &Item| {
        let products = parts.get(PRODUCTS);
        let product = products.and_then(|products| products.get(&item.product));
        Line {
            product: item.product,
            name: product.map(|product| product.name.clone()),
            thumbnail: product
                .and_then(|product| product.images.first())
                .map(|image| asked.thumb.of(image)),
            quantity: item.quantity,
            price: item.price,
        }
    };
    Some(OrderScreen {
        id: order.id,
        status: order.status.clone(),
        created: order.created,
        items: order.items.iter().map(line).collect(),
        total: order.total,
        currency: order.currency.clone(),
    })
}

/// An order's screen
#[utoipa::path(
    get,
    path = "/orders/{id}",
    params(("id" = u64, Path, description = "The order's.", minimum = 1, maximum = 9_223_372_036_854_775_807_i64, example = 1), Presentation),
    responses((status = 200, description = "The screen.", body = OrderScreen))
)]
async fn order(
    State(view): State<Arc<View<Asked>>>,
    Extension(inbound): Extension<Arc<Inbound>>,
    Id(id): Id,
    Params(presentation): Params<Presentation>,
) -> Result<Response, Problem> {
    let shape = presentation.shape(&FIELDS)?;
    let thumb = presentation.thumb();
    Ok(view.shaped(inbound, Asked { id, thumb }, shape).await)
}
