//! What operators say at run time: in force at once, for everybody, until somebody takes it back.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests fail the test as tests do"
)]

mod access;
mod load;
mod words;
