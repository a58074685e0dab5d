//! What must hold of composed answers, exactly: stopped clocks, backends that follow a script.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail the test as tests do"
)]

mod vectors;
mod script;
mod shop;
mod timing;
mod fallback;
mod keeping;
mod limits;
mod direct;
mod cohorts;
mod json;
mod aggregation;
