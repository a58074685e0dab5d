//! What is sold.

use std::sync::Arc;

use serde::Deserialize;

use super::{Listed, seconds};
use crate::backend::Backend;
use crate::call::{Call, Kept, comma_separated};
use crate::loaded::Identified;

/// A price that is some seconds old is still the price; one that is an hour old is better than no page.
const KEPT: Kept = Kept::by_all(seconds(5)).stale_if_error(seconds(3600));

/// The catalog.
#[derive(Clone, Debug)]
pub struct Catalog(pub(super) Arc<Backend>);

/// Something that is sold.
#[derive(Clone, Debug, Deserialize)]
pub struct Product {
    /// Its id.
    pub id: u64,
    /// What it is called.
    pub name: String,
    /// What it is.
    pub description: Option<String>,
    /// Where it stands in the shop.
    pub category: Option<String>,
    /// In minor units of the currency.
    pub price: u64,
    /// ISO 4217.
    pub currency: String,
    /// Addresses of pictures, the main one first.
    #[serde(default)]
    pub images: Vec<String>,
}

impl Identified for Product {
    type Id = u64;

    fn id(&self) -> u64 {
        self.id
    }
}

impl Catalog {
    /// One product.
    pub fn one(&self, id: u64) -> Call<Product> {
        Call::get(&self.0, "").segment(id).kept(KEPT)
    }

    /// Products by their ids.
    pub fn several(&self, ids: &[u64]) -> Call<Vec<Product>> {
        Call::items(&self.0, "")
            .query("ids", comma_separated(ids))
            .kept(KEPT)
    }

    /// One page of all products, counted from 1.
    pub fn page(&self, page: u64, limit: u64) -> Call<Listed<Product>> {
        Call::get(&self.0, "")
            .query("page", page)
            .query("limit", limit)
            .kept(KEPT)
    }

    /// The products whose ids come after `id`.
    pub fn after(&self, id: u64, limit: u64) -> Call<Listed<Product>> {
        Call::get(&self.0, "")
            .query("after", id)
            .query("limit", limit)
            .kept(KEPT)
    }
}
