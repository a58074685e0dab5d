//! `GET /orders/{id}`: an order with its customer and its products, joined in memory. The caller's own reviews do not
//! wait for the order.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use composition::shop::{self, Item, Listed, Order, Product, Review, User};
use composition::{
    Ask, Declared, Id, Inbound, Loaded, NoParams, Params, Parts, Plan, PlanError, Setup, Slot, View,
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

const ORDER: Slot<Order> = Slot::named("order");
const CUSTOMER: Slot<User> = Slot::named("customer");
const PRODUCTS: Slot<Loaded<Product>> = Slot::named("products");
const REVIEWS: Slot<Listed<Review>> = Slot::named("reviews");

/// Whoever has written more has surely reviewed this.
const REVIEWS_READ: u64 = 100;

/// A page can do without its reviews sooner than without a customer.
const REVIEWS_TIMEOUT: Duration = Duration::from_millis(150);

/// An order's page.
#[derive(Debug, Serialize, ToSchema)]
struct OrderPage {
    #[schema(example = 121)]
    id: u64,
    #[schema(example = "shipped")]
    status: String,
    /// Seconds since 1970.
    #[schema(example = 1_768_096_800)]
    created: u64,
    customer: Option<Customer>,
    items: Vec<OrderItem>,
    /// In minor units of the currency.
    #[schema(example = 25980)]
    total: u64,
    /// ISO 4217.
    #[schema(example = "EUR")]
    currency: String,
}

/// Who ordered.
#[derive(Debug, Serialize, ToSchema)]
struct Customer {
    #[schema(example = "Alice Adler")]
    name: String,
    #[schema(example = "alice.adler1@mail.example")]
    email: String,
}

/// A line of the order.
#[derive(Debug, Serialize, ToSchema)]
struct OrderItem {
    #[schema(example = 7)]
    product: u64,
    /// Null while the catalog cannot be had, and for what is no longer sold.
    #[schema(example = "Oak lamp by Fjord")]
    name: Option<String>,
    #[schema(example = "/images/products/7/1.jpg")]
    image: Option<String>,
    #[schema(example = 2)]
    quantity: u64,
    /// One piece, in minor units.
    #[schema(example = 12990)]
    price: u64,
    /// The stars that the caller has given; null for none, and while reviews cannot be had.
    #[schema(example = 4)]
    stars: Option<u64>,
}

pub(crate) fn screen(setup: &Setup) -> Result<OpenApiRouter, PlanError> {
    let view = View::new(&setup.engine, plan(setup)?, |_, parts| page(parts));
    Ok(OpenApiRouter::new()
        .routes(routes!(order))
        .with_state(Arc::new(view)))
}

fn plan(setup: &Setup) -> Result<Plan<Id>, PlanError> {
    let shop::Shop {
        catalog,
        reviews,
        orders,
        users,
        ..
    } = setup.shop.clone();
    let parts = [
        Declared::new(ORDER)
            .call(move |id: &Ask<Id>, ()| orders.one(id.params.0))
            .required()
            .timeout(Duration::from_millis(800)),
        Declared::new(CUSTOMER)
            .after(ORDER)
            .call(move |_, order| users.one(order.user)),
        Declared::new(PRODUCTS).after(ORDER).batch(
            |_, order| order.items.iter().map(|item| item.product).collect(),
            move |ids| catalog.several(ids),
        ),
        Declared::new(REVIEWS)
            .call(move |_, ()| reviews.mine(REVIEWS_READ))
            .timeout(REVIEWS_TIMEOUT)
            .when(|ask| !ask.inbound.is_anonymous()),
    ];
    Plan::new("order", Duration::from_secs(2), parts)
}

fn page(parts: &Parts<'_>) -> Option<OrderPage> {
    let order = parts.get(ORDER)?;
    let customer = parts.get(CUSTOMER).map(|user| Customer {
        name: user.name.clone(),
        email: user.email.clone(),
    });
    Some(OrderPage {
        id: order.id,
        status: order.status.clone(),
        created: order.created,
        customer,
        items: order
            .items
            .iter()
            .map(|ordered| item(ordered, parts))
            .collect(),
        total: order.total,
        currency: order.currency.clone(),
    })
}

fn item(item: &Item, parts: &Parts<'_>) -> OrderItem {
    let product = parts
        .get(PRODUCTS)
        .and_then(|products| products.get(&item.product));
    let mut reviews = parts.get(REVIEWS).into_iter().flat_map(|mine| &mine.items);
    OrderItem {
        product: item.product,
        name: product.map(|product| product.name.clone()),
        image: product.and_then(|product| product.images.first().cloned()),
        quantity: item.quantity,
        price: item.price,
        stars: reviews
            .find(|review| review.product == item.product)
            .map(|review| review.stars),
    }
}

/// An order's page
#[utoipa::path(
    get,
    path = "/orders/{id}",
    params(("id" = u64, Path, description = "The order's.", minimum = 1, maximum = 9_223_372_036_854_775_807_i64, example = 1)),
    responses((status = 200, description = "The page.", body = OrderPage))
)]
async fn order(
    State(view): State<Arc<View<Id>>>,
    Extension(inbound): Extension<Arc<Inbound>>,
    id: Id,
    Params(NoParams {}): Params<NoParams>,
) -> Response {
    view.answer(inbound, id).await
}
