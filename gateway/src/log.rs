//! What is written down about a request.

pub mod config;
pub mod record;
