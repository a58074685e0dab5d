//! A product, as lists on a small screen show it.

use composition::shop::Product;
use serde::Serialize;
use utoipa::ToSchema;

use crate::presentation::Thumb;

/// A product in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Tile {
    #[schema(required = false, example = 7)]
    id: u64,
    #[schema(required = false, example = "Oak lamp by Fjord")]
    name: String,
    /// In minor units of the currency.
    #[schema(required = false, example = 12990)]
    price: u64,
    /// ISO 4217.
    #[schema(required = false, example = "EUR")]
    currency: String,
    /// The main picture, in the width that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "/images/products/7/1.jpg?w=160")]
    thumbnail: Option<String>,
}

/// The fields that `?fields=` may name.
pub(crate) const FIELDS: [&str; 5] = ["id", "name", "price", "currency", "thumbnail"];

impl Tile {
    pub(crate) fn of(product: &Product, thumb: Thumb) -> Self {
        Self {
            id: product.id,
            name: product.name.clone(),
            price: product.price,
            currency: product.currency.clone(),
            thumbnail: product.images.first().map(|image| thumb.of(image)),
        }
    }
}
