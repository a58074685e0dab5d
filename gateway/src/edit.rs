//! Changes of routes.toml by command: one route's phase and share, every other byte as a person left it.
//!
//! Whether the edited text is valid, and whether a route may move at all, is for the caller to say.

pub mod error;
mod splice;
mod route;
mod share;
pub mod text;
pub mod patch;
pub mod conflict;
pub mod file;
