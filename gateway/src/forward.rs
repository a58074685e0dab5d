//! How a request gets to an upstream and its answer back: fields, paths, bodies, upgrades.

pub mod config;
pub mod compiled;
pub mod finding;
pub mod fields;
pub mod target;
pub mod chain;
pub mod client;
pub mod own;
pub mod via;
pub mod answer;
pub mod tap;
pub mod deadline;
pub mod incoming;
pub mod body;
pub mod upgrade;
pub mod stage;
