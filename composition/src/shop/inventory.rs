//! How much of each product there is.

use std::sync::Arc;

use serde::Deserialize;

use super::seconds;
use crate::backend::Backend;
use crate::call::{Call, Kept, comma_separated};
use crate::loaded::Identified;

/// Calls at the same time are one; yesterday's stock is no stock.
const KEPT: Kept = Kept::by_all(seconds(0));

/// The inventory.
#[derive(Clone, Debug)]
pub struct Inventory(pub(super) Arc<Backend>);

/// How much there is of a product.
#[derive(Clone, Debug, Deserialize)]
pub struct Stock {
    /// Of which product.
    pub product: u64,
    /// How many pieces.
    pub available: u64,
}

impl Identified for Stock {
    type Id = u64;

    fn id(&self) -> u64 {
        self.product
    }
}

impl Inventory {
    /// How much there is of these products.
    pub fn of(&self, products: &[u64]) -> Call<Vec<Stock>> {
        Call::items(&self.0, "")
            .query("ids", comma_separated(products))
            .kept(KEPT)
    }
}
