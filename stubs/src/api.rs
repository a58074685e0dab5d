//! The shop's resources. The monolith and the service that replaces it mount the same handlers.

pub mod products;
pub mod reviews;
pub mod stock;
pub mod related;
pub mod users;
pub mod orders;
pub mod payments;
