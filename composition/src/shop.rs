//! The shop's backends, typed: what may be asked of each, what comes back, and how long that is kept for whom.

pub mod catalog;
pub mod reviews;
pub mod inventory;
pub mod recommendations;
pub mod orders;
pub mod users;

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use upstream::endpoint::NotAHost;

pub use self::catalog::{Catalog, Product};
pub use self::inventory::{Inventory, Stock};
pub use self::orders::{Item, Order, Orders};
pub use self::recommendations::{Recommendations, Related};
pub use self::reviews::{Rating, Review, Reviews};
pub use self::users::{User, Users};
use crate::backend::Backend;
use crate::protection::Protection;

/// A part of a list.
#[derive(Clone, Debug, Deserialize)]
pub struct Listed<T> {
    /// What is on this page.
    pub items: Vec<T>,
    /// How many there are in all, where the backend counts them.
    pub total: Option<u64>,
    /// Behind which id the next page begins, where there is one.
    pub next: Option<u64>,
}

/// The backends' names, and where each is below the gateway.
pub const BACKENDS: [(&str, &str); 6] = [
    ("catalog", "/api/products"),
    ("reviews", "/api/reviews"),
    ("inventory", "/api/stock"),
    ("recommendations", "/api/related"),
    ("orders", "/api/orders"),
    ("users", "/api/users"),
];

/// All of them.
#[derive(Clone, Debug)]
pub struct Shop {
    /// What is sold.
    pub catalog: Catalog,
    /// What people think of it.
    pub reviews: Reviews,
    /// How much of it there is.
    pub inventory: Inventory,
    /// What goes with it.
    pub recommendations: Recommendations,
    /// Who bought what.
    pub orders: Orders,
    /// Who is who.
    pub users: Users,
}

/// Where a backend is: what stands before the path of every call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// A name or an address.
    pub host: String,
    /// A port.
    pub port: u16,
    /// A path without a slash at its end.
    pub base_path: String,
}

impl Shop {
    /// The shop with each backend where `place` says, given its name and its path below the gateway. Each is
    /// protected alike, by itself.
    pub fn new(
        place: impl Fn(&str, &str) -> Place,
        protection: &Protection,
    ) -> Result<Self, NotAHost> {
        let backend = |(name, path): (&'static str, &str)| {
            let place = place(name, path);
            Backend::protected(name, &place.host, place.port, &place.base_path, protection)
        };
        let [catalog, reviews, inventory, recommendations, orders, users] = BACKENDS;
        Ok(Self {
            catalog: Catalog(backend(catalog)?),
            reviews: Reviews(backend(reviews)?),
            inventory: Inventory(backend(inventory)?),
            recommendations: Recommendations(backend(recommendations)?),
            orders: Orders(backend(orders)?),
            users: Users(backend(users)?),
        })
    }

    /// The backends, for whoever looks after them.
    pub fn backends(&self) -> [&Arc<Backend>; 6] {
        [
            &self.catalog.0,
            &self.reviews.0,
            &self.inventory.0,
            &self.recommendations.0,
            &self.orders.0,
            &self.users.0,
        ]
    }
}

const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}
