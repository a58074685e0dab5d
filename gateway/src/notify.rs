//! Tells others what happened to a route: a message is kept with the change that it tells of, and delivered at least once.

pub mod config;
pub mod message;
pub mod sign;
pub mod backoff;
pub mod post;
pub mod tally;
pub mod desk;
pub mod relay;
