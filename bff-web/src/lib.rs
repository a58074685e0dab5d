//! Rich pages of the shop: view models and part declarations, nothing else. Modules stand lowest first.

mod cards;
mod home;
mod products;
mod product;
mod order;
mod account;

use composition::{Bff, Meta, Setup};
use utoipa_axum::router::OpenApiRouter;

/// The BFF of the web shop.
pub const BFF: Bff = Bff {
    name: "bff-web",
    title: "The shop's pages",
    description: "One call for each page of the web shop. What is missing from a page is null, and `_meta` says why.",
    port: 7100,
    meta: Meta::Always,
    screens,
};

fn screens(setup: &Setup) -> anyhow::Result<OpenApiRouter> {
    Ok(OpenApiRouter::new()
        .merge(home::screen(setup)?)
        .merge(products::screen(setup)?)
        .merge(product::screen(setup)?)
        .merge(order::screen(setup)?)
        .merge(account::screen(setup)?))
}
