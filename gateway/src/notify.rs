//! Tells others what happened to a route: a message is kept with the change that it tells of, and delivered at least once.

pub mod config;
