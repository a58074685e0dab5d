//! What is written down about a request.

pub mod config;
pub mod stamp;
pub mod line;
pub mod record;
