//! What several pages show alike.

use composition::shop;
use serde::Serialize;
use utoipa::ToSchema;

/// A product, as lists show it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Card {
    #[schema(example = 7)]
    id: u64,
    #[schema(example = "Oak lamp by Fjord")]
    name: String,
    /// In minor units of the currency.
    #[schema(example = 12990)]
    price: u64,
    /// ISO 4217.
    #[schema(example = "EUR")]
    currency: String,
    /// The address of the main picture.
    #[schema(example = "/images/products/7/1.jpg")]
    image: Option<String>,
}

/// What all think of a product together.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Rating {
    /// How many have said something.
    #[schema(example = 9)]
    count: u64,
    /// Hundredths of a star; null when nobody has.
    #[schema(example = 411)]
    average_hundredths: Option<u64>,
}

/// An order, as lists show it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OrderLine {
    #[schema(example = 121)]
    id: u64,
    #[schema(example = "shipped")]
    status: String,
    /// Seconds since 1970.
    #[schema(example = 1_768_096_800)]
    created: u64,
    /// In minor units of the currency.
    #[schema(example = 25980)]
    total: u64,
    /// ISO 4217.
    #[schema(example = "EUR")]
    currency: String,
}

impl Card {
    pub(crate) fn of(product: &shop::Product) -> Self {
        Self {
            id: product.id,
            name: product.name.clone(),
            price: product.price,
            currency: product.currency.clone(),
            image: product.images.first().cloned(),
        }
    }
}

impl Rating {
    pub(crate) fn of(rating: &shop::Rating) -> Self {
        Self {
            count: rating.count,
            average_hundredths: rating.average_hundredths,
        }
    }
}

impl OrderLine {
    pub(crate) fn of(order: &shop::Order) -> Self {
        Self {
            id: order.id,
            status: order.status.clone(),
            created: order.created,
            total: order.total,
            currency: order.currency.clone(),
        }
    }
}
