//! The judge leads canaries at real intervals: a broken service is left, a healthy one promoted, and in doubt it waits.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests fail the test as tests do"
)]

mod canary;
mod healthy;
mod holding;
mod leaving;
mod restarts;
