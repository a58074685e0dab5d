//! The edge against published test data, where the folder with it is at hand.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail the test as tests do"
)]

mod gateway_api;
mod http1;
mod translate;
