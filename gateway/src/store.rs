//! What must survive the process, in one `SQLite` file that one thread writes.
//!
//! How far each route has got and who said so, what both sides answered, what the comparison found, who still uses the
//! old side. The only module that knows the engine; rows go in and come out as plain values.

pub mod config;
mod times;
pub mod outbox;
pub mod rows;
mod error;
mod schema;
mod read;
mod messages;
mod write;
mod database;

pub use database::Store;
pub use error::StoreError;
