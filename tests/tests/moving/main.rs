//! A route moves forward as far as its history allows: by command, by an edit, at a start.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests fail the test as tests do"
)]

mod gate;
mod ledger;
mod retiring;
