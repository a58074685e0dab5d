//! Several gateways before the same backends, with one Redis: they act as one.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail the test as tests do"
)]

mod pair;
mod away;
mod rollouts;
mod windows;
mod words;
