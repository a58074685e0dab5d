//! A third BFF: what the shop's television app shows while nobody watches.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use axum::{Extension, extract::State, response::Response};
use composition::shop::{Listed, Product, Rating};
use composition::{
    Bff, Declared, Inbound, Loaded, Meta, NoParams, Params, Parts, Plan, Setup, Slot, View,
};
use serde::Serialize;
use utoipa_axum::{router::OpenApiRouter, routes};

const PRODUCTS: Slot<Listed<Product>> = Slot::named("products");
const RATINGS: Slot<Loaded<Rating>> = Slot::named("ratings");

/// The BFF of the television app.
pub(crate) const BFF: Bff = Bff {
    name: "bff-tv",
    title: "The shop on television",
    description: "Slides for large displays.",
    port: 7300,
    meta: Meta::Always,
    screens,
};

#[derive(Serialize, utoipa::ToSchema)]
struct Slide {
    #[schema(example = "Oak lamp by Fjord")]
    name: String,
    /// Hundredths of a star; null while ratings cannot be had.
    #[schema(example = 411)]
    stars: Option<u64>,
}

#[derive(Serialize, utoipa::ToSchema)]
struct Slides {
    slides: Vec<Slide>,
}

fn screens(setup: &Setup) -> anyhow::Result<OpenApiRouter> {
    let (catalog, reviews) = (setup.shop.catalog.clone(), setup.shop.reviews.clone());
    let parts = [
        Declared::new(PRODUCTS)
            .call(move |_, ()| catalog.page(1, 5))
            .required(),
        Declared::new(RATINGS).after(PRODUCTS).batch(
            |_, products| products.items.iter().map(|product| product.id).collect(),
            move |ids| reviews.ratings(ids),
        ),
    ];
    let plan = Plan::new("slides", Duration::from_millis(900), parts)?;
    let view = View::new(&setup.engine, plan, |(), parts| compose(parts));
    Ok(OpenApiRouter::new()
        .routes(routes!(slides))
        .with_state(Arc::new(view)))
}

fn compose(parts: &Parts<'_>) -> Option<Slides> {
    let stars = |product: &Product| parts.get(RATINGS)?.get(&product.id)?.average_hundredths;
    let slide = |product: &Product| Slide {
        name: product.name.clone(),
        stars: stars(product),
    };
    let products = &parts.get(PRODUCTS)?.items;
    Some(Slides {
        slides: products.iter().map(slide).collect(),
    })
}

/// Slides
#[utoipa::path(get, path = "/slides", responses((status = 200, description = "The slides.", body = Slides)))]
async fn slides(
    State(view): State<Arc<View<()>>>,
    Extension(inbound): Extension<Arc<Inbound>>,
    Params(NoParams {}): Params<NoParams>,
) -> Response {
    view.answer(inbound, ()).await
}

fn main() -> ExitCode {
    composition::main(&BFF)
}
