//! The shop that everything is tried with: a legacy monolith, the services that replace it, a token issuer.
//!
//! All answer from one deterministic data set and share one store of what was written, so that a write through either
//! side is seen by both, in one process or in several. Modules stand lowest first.

pub mod data;
pub mod store;
pub mod switches;
pub mod stub;
pub mod answer;
pub mod misbehave;
pub mod api;
pub mod control;
pub mod monolith;
pub mod service;
pub mod issuer;
pub mod shop;
