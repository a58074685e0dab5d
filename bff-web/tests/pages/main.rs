//! The web shop's pages as browsers see them: the whole BFF on a port of its own, over backends that take their time.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests fail the test as tests do"
)]

mod backends;
mod site;
mod requests;
mod fan_out;
