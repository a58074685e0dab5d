//! `GET /products/{id}`: one product, its rating and its stock, all asked for at once.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use composition::shop::{self, Product, Stock};
use composition::{
    Ask, Declared, FieldList, Id, Inbound, Loaded, Meta, Params, Parts, Plan, PlanError, Problem,
    Setup, Slot, View, selectable,
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::presentation::{Presentation, Thumb};

const PRODUCT: Slot<Product> = Slot::named("product");
const RATING: Slot<Loaded<shop::Rating>> = Slot::named("rating");
const STOCK: Slot<Loaded<Stock>> = Slot::named("stock");

/// The fields that `?fields=` may name.
const FIELDS: [&str; 8] = [
    "id",
    "name",
    "description",
    "price",
    "currency",
    "images",
    "rating",
    "available",
];

/// More would be slow on a bad connection, bytes.
const SIZE_BUDGET: usize = 4 * 1024;

struct Asked {
    id: u64,
    thumb: Thumb,
    fields: Option<FieldList>,
}

/// A product's screen.
#[derive(Debug, Serialize, ToSchema)]
struct ProductScreen {
    #[schema(required = false, example = 7)]
    id: u64,
    #[schema(required = false, example = "Oak lamp by Fjord")]
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "An oak lamp for the living, made by Fjord.")]
    description: Option<String>,
    /// In minor units of the currency.
    #[schema(required = false, example = 12990)]
    price: u64,
    /// ISO 4217.
    #[schema(required = false, example = "EUR")]
    currency: String,
    /// In the width that was asked for, the main one first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(example = json!(["/images/products/7/1.jpg?w=640"]))]
    images: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rating: Option<Rating>,
    /// How many pieces there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 12)]
    available: Option<u64>,
}

/// What all think of a product together.
#[derive(Debug, Serialize, ToSchema)]
struct Rating {
    /// How many have said something.
    #[schema(example = 9)]
    count: u64,
    /// Hundredths of a star; left out when nobody has.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 411)]
    average_hundredths: Option<u64>,
}

pub(crate) fn screen(setup: &Setup) -> Result<OpenApiRouter, PlanError> {
    let view = View::new(&setup.engine, plan(setup)?, product_screen);
    let view = view.meta(Meta::WhenAsked).size_budget(SIZE_BUDGET);
    let described = OpenApiRouter::new()
        .routes(routes!(product))
        .with_state(Arc::new(view));
    Ok(selectable(described, &FIELDS))
}

fn plan(setup: &Setup) -> Result<Plan<Asked>, PlanError> {
    let shop::Shop {
        catalog,
        reviews,
        inventory,
        ..
    } = setup.shop.clone();
    let itself = |asked: &Ask<Asked>, ()| vec![asked.id];
    // What nobody will see is not asked for.
    let wants = |name: &'static str| {
        move |asked: &Ask<Asked>| asked.fields.as_ref().is_none_or(|list| list.wants(name))
    };
    let parts = [
        Declared::new(PRODUCT)
            .call(move |asked: &Ask<Asked>, ()| catalog.one(asked.id))
            .required()
            .timeout(Duration::from_millis(800)),
        Declared::new(RATING)
            .batch(itself, move |ids| reviews.ratings(ids))
            .when(wants("rating")),
        Declared::new(STOCK)
            .batch(itself, move |ids| inventory.of(ids))
            .when(wants("available")),
    ];
    Plan::new("product", Duration::from_millis(1200), parts)
}

fn product_screen(asked: &Asked, parts: &Parts<'_>) -> Option<ProductScreen> {
    let product = parts.get(PRODUCT)?;
    let rating = parts.get(RATING).and_then(|ratings| ratings.get(&asked.id));
    let stock = parts.get(STOCK).and_then(|stock| stock.get(&asked.id));
    let images = product.images.iter();
    Some(ProductScreen {
        id: product.id,
        name: product.name.clone(),
        description: product.description.clone().filter(|text| !text.is_empty()),
        price: product.price,
        currency: product.currency.clone(),
        images: images.map(|image| asked.thumb.of(image)).collect(),
        rating: rating.map(|rating| Rating {
            count: rating.count,
            average_hundredths: rating.average_hundredths,
        }),
        available: stock.map(|stock| stock.available),
    })
}

/// A product's screen
#[utoipa::path(
    get,
    path = "/products/{id}",
    params(("id" = u64, Path, description = "The product's.", minimum = 1, maximum = 9_223_372_036_854_775_807_i64, example = 7), Presentation),
    responses((status = 200, description = "The screen.", body = ProductScreen))
)]
async fn product(
    State(view): State<Arc<View<Asked>>>,
    Extension(inbound): Extension<Arc<Inbound>>,
    Id(id): Id,
    Params(presentation): Params<Presentation>,
) -> Result<Response, Problem> {
    let shape = presentation.shape(&FIELDS)?;
    let asked = Asked {
        id,
        thumb: presentation.thumb(),
        fields: shape.fields.clone(),
    };
    Ok(view.shaped(inbound, asked, shape).await)
}
