//! Who is calling, and whether they may.

pub mod config;
pub mod token;
pub mod keys;
pub mod ring;
pub mod jwks;
pub mod compiled;
pub mod cache;
pub mod stage;
