//! A kit for end-to-end tests: the real binaries on free ports, real clients, foreign servers, nothing left behind.
//!
//! Modules stand lowest first. Everything here fails by panicking with words: it is only ever called by a test.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a test's kit fails the test"
)]

pub mod answer;
pub mod vectors;
pub mod strict;
pub mod wire;
pub mod h2_frames;
pub mod h2_client;
pub mod client;
pub mod tree;
pub mod binaries;
pub mod process;
pub mod redis;
pub mod origin;
pub mod recorder;
pub mod echo;
pub mod names;
pub mod moody;
pub mod edge;
pub mod sides;
pub mod bff;
pub mod load;
pub mod steady;
pub mod users;
pub mod progress;
pub mod shop;
pub mod backend;
pub mod screens;
pub mod python;
pub mod browser;
