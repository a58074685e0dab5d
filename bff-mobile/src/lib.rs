//! Small screens of the shop: view models and part declarations, nothing else. Modules stand lowest first.

mod presentation;
mod tile;
mod home;
mod products;
mod product;
mod order;

use composition::{Bff, Meta, Setup};
use utoipa_axum::router::OpenApiRouter;

/// The BFF of the shop's apps.
pub const BFF: Bff = Bff {
    name: "bff-mobile",
    title: "The shop's small screens",
    description: "One small call for each screen of the shop's apps. What is missing or empty is left out.",
    port: 7200,
    meta: Meta::WhenAsked,
    screens,
};

fn screens(setup: &Setup) -> anyhow::Result<OpenApiRouter> {
    Ok(OpenApiRouter::new()
        .merge(home::screen(setup)?)
        .merge(products::screen(setup)?)
        .merge(product::screen(setup)?)
        .merge(order::screen(setup)?))
}
