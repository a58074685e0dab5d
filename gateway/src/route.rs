//! Which route a request belongs to.

pub mod config;
pub mod path;
pub mod host;
pub mod slashes;
pub mod conditions;
pub mod table;
pub mod fingerprint;
pub mod mark;
pub mod compiled;
