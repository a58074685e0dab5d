//! The apps' screens as apps see them: the whole BFF on a port of its own, over a catalog that changes while it is read.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests fail the test as tests do"
)]

mod catalog;
mod app;
mod paging;
mod requests;
