//! State survives: kills, restarts, and a file that cannot be used.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests fail the test as tests do"
)]

mod generations;
mod kills;
mod trouble;
