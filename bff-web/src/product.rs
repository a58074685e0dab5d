//! `GET /products/{id}`: one product with its reviews, its stock and what goes with it, all asked for at once.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use composition::shop::{self, Listed, Product, Related, Review, Stock};
use composition::{
    Ask, Declared, Id, Inbound, Loaded, NoParams, Params, Parts, Plan, PlanError, Setup, Slot, View,
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::cards::{Card, Rating};

const PRODUCT: Slot<Product> = Slot::named("product");
const REVIEWS: Slot<Listed<Review>> = Slot::named("reviews");
const RATING: Slot<Loaded<shop::Rating>> = Slot::named("rating");
const STOCK: Slot<Loaded<Stock>> = Slot::named("stock");
const RELATED: Slot<Loaded<Related>> = Slot::named("related");

/// How many reviews are shown.
const REVIEWS_SHOWN: u64 = 5;

/// A product's page.
#[derive(Debug, Serialize, ToSchema)]
struct ProductPage {
    #[serde(flatten)]
    card: Card,
    #[schema(example = "An oak lamp for the living, made by Fjord.")]
    description: Option<String>,
    #[schema(example = "living")]
    category: Option<String>,
    /// Addresses of pictures, the main one first.
    #[schema(example = json!(["/images/products/7/1.jpg", "/images/products/7/2.jpg"]))]
    images: Vec<String>,
    rating: Option<Rating>,
    reviews: Option<Vec<ReviewLine>>,
    /// How many pieces there are.
    #[schema(example = 12)]
    available: Option<u64>,
    related: Option<Vec<Card>>,
}

/// What somebody thinks of it.
#[derive(Debug, Serialize, ToSchema)]
struct ReviewLine {
    #[schema(example = 77)]
    id: u64,
    /// 1 to 5.
    #[schema(example = 4)]
    stars: u64,
    #[schema(example = "Good value.")]
    text: Option<String>,
}

pub(crate) fn screen(setup: &Setup) -> Result<OpenApiRouter, PlanError> {
    let view = View::new(&setup.engine, plan(setup)?, |id, parts| page(*id, parts));
    Ok(OpenApiRouter::new()
        .routes(routes!(product))
        .with_state(Arc::new(view)))
}

fn plan(setup: &Setup) -> Result<Plan<Id>, PlanError> {
    let shop::Shop {
        catalog,
        reviews,
        inventory,
        recommendations,
        ..
    } = setup.shop.clone();
    let ratings = reviews.clone();
    let itself = |id: &Ask<Id>, ()| vec![id.params.0];
    let parts = [
        Declared::new(PRODUCT)
            .call(move |id: &Ask<Id>, ()| catalog.one(id.params.0))
            .required()
            .timeout(Duration::from_millis(800)),
        Declared::new(REVIEWS).call(move |id: &Ask<Id>, ()| reviews.of(id.params.0, REVIEWS_SHOWN)),
        Declared::new(RATING).batch(itself, move |ids| ratings.ratings(ids)),
        Declared::new(STOCK).batch(itself, move |ids| inventory.of(ids)),
        Declared::new(RELATED).batch(itself, move |ids| recommendations.of(ids)),
    ];
    Plan::new("product", Duration::from_millis(1500), parts)
}

fn page(id: Id, parts: &Parts<'_>) -> Option<ProductPage> {
    let product = parts.get(PRODUCT)?;
    let reviews = parts.get(REVIEWS);
    Some(ProductPage {
        card: Card::of(product),
        description: product.description.clone(),
        category: product.category.clone(),
        images: product.images.clone(),
        rating: parts
            .get(RATING)
            .and_then(|ratings| ratings.get(&id.0))
            .map(Rating::of),
        reviews: reviews.map(|reviews| reviews.items.iter().map(line).collect()),
        available: parts
            .get(STOCK)
            .and_then(|stock| stock.get(&id.0))
            .map(|stock| stock.available),
        related: parts
            .get(RELATED)
            .and_then(|related| related.get(&id.0))
            .map(|related| related.related.iter().map(Card::of).collect()),
    })
}

fn line(review: &Review) -> ReviewLine {
    ReviewLine {
        id: review.id,
        stars: review.stars,
        text: review.text.clone(),
    }
}

/// A product's page
#[utoipa::path(
    get,
    path = "/products/{id}",
    params(("id" = u64, Path, description = "The product's.", minimum = 1, maximum = 9_223_372_036_854_775_807_i64, example = 7)),
    responses((status = 200, description = "The page.", body = ProductPage))
)]
async fn product(
    State(view): State<Arc<View<Id>>>,
    Extension(inbound): Extension<Arc<Inbound>>,
    id: Id,
    Params(NoParams {}): Params<NoParams>,
) -> Response {
    view.answer(inbound, id).await
}
