//! Who bought what. One's own, so nothing of it is kept.

use std::sync::Arc;

use serde::Deserialize;

use super::Listed;
use crate::backend::Backend;
use crate::call::Call;

/// The orders.
#[derive(Clone, Debug)]
pub struct Orders(pub(super) Arc<Backend>);

/// What somebody bought.
#[derive(Clone, Debug, Deserialize)]
pub struct Order {
    /// Its id.
    pub id: u64,
    /// Who.
    pub user: u64,
    /// How far it is.
    pub status: String,
    /// Seconds since 1970.
    pub created: u64,
    /// What.
    pub items: Vec<Item>,
    /// In minor units of the currency.
    pub total: u64,
    /// ISO 4217.
    pub currency: String,
}

/// One line of an order.
#[derive(Clone, Debug, Deserialize)]
pub struct Item {
    /// Which product.
    pub product: u64,
    /// How many.
    pub quantity: u64,
    /// One piece, in minor units.
    pub price: u64,
}

impl Orders {
    /// One order of whoever asks.
    pub fn one(&self, id: u64) -> Call<Order> {
        Call::get(&self.0, "").segment(id)
    }

    /// The newest `limit` orders of whoever asks.
    pub fn newest(&self, limit: u64) -> Call<Listed<Order>> {
        Call::get(&self.0, "").query("limit", limit)
    }
}
