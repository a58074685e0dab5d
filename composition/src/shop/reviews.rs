//! What people think of products.

use std::sync::Arc;

use serde::Deserialize;

use super::{Listed, seconds};
use crate::backend::Backend;
use crate::call::{Call, Kept, comma_separated};
use crate::loaded::Identified;

/// An average moves slowly.
const RATINGS_KEPT: Kept = Kept::by_all(seconds(10)).stale_if_error(seconds(3600));

/// The reviews.
#[derive(Clone, Debug)]
pub struct Reviews(pub(super) Arc<Backend>);

/// What somebody thinks of a product.
#[derive(Clone, Debug, Deserialize)]
pub struct Review {
    /// Its id.
    pub id: u64,
    /// Of which product.
    pub product: u64,
    /// 1 to 5.
    pub stars: u64,
    /// In words.
    pub text: Option<String>,
}

/// What all think of a product together.
#[derive(Clone, Debug, Deserialize)]
pub struct Rating {
    /// Of which product.
    pub product: u64,
    /// How many have said something.
    pub count: u64,
    /// Hundredths of a star; `None` when nobody has.
    pub average_hundredths: Option<u64>,
}

impl Identified for Rating {
    type Id = u64;

    fn id(&self) -> u64 {
        self.product
    }
}

impl Reviews {
    /// The first `limit` reviews of a product.
    pub fn of(&self, product: u64, limit: u64) -> Call<Listed<Review>> {
        Call::get(&self.0, "")
            .query("product", product)
            .query("limit", limit)
    }

    /// The ratings of products.
    pub fn ratings(&self, products: &[u64]) -> Call<Vec<Rating>> {
        Call::items(&self.0, "/summary")
            .query("ids", comma_separated(products))
            .kept(RATINGS_KEPT)
    }

    /// The first `limit` reviews of whoever asks.
    pub fn mine(&self, limit: u64) -> Call<Listed<Review>> {
        Call::get(&self.0, "/mine").query("limit", limit)
    }
}
