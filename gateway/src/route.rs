//! route
pub mod config;
