//! Backends fail, the edge does not: real processes and sockets, at real intervals.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests fail the test as tests do"
)]

mod upstream;
mod balance;
mod retry;
mod stale;
mod breaker;
mod bulkhead;
mod layers;
mod changes;
mod fallback;
mod screens;
mod discovery;
mod health;
mod seen;
