//! What goes with a product.

use std::sync::Arc;

use serde::Deserialize;

use super::{Product, seconds};
use crate::backend::Backend;
use crate::call::{Call, Kept, comma_separated};
use crate::loaded::Identified;

/// What goes with what changes overnight.
const KEPT: Kept = Kept::by_all(seconds(60)).stale_if_error(seconds(24 * 3600));

/// The recommendations.
#[derive(Clone, Debug)]
pub struct Recommendations(pub(super) Arc<Backend>);

/// What goes with one product.
#[derive(Clone, Debug, Deserialize)]
pub struct Related {
    /// With which.
    pub product: u64,
    /// What.
    pub related: Vec<Product>,
}

impl Identified for Related {
    type Id = u64;

    fn id(&self) -> u64 {
        self.product
    }
}

impl Recommendations {
    /// What goes with these products.
    pub fn of(&self, products: &[u64]) -> Call<Vec<Related>> {
        Call::items(&self.0, "")
            .query("ids", comma_separated(products))
            .kept(KEPT)
    }
}
