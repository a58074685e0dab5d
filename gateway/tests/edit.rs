//! The edits of routes.toml through the front door: what the commands write, print and refuse, and that no layout is
//! changed anywhere but where it has to be.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failure here is a failed test"
)]

#[path = "edit/banyan.rs"]
mod banyan;
#[path = "edit/commands.rs"]
mod commands;
#[path = "edit/layouts.rs"]
mod layouts;
#[path = "edit/patches.rs"]
mod patches;
#[path = "edit/refusals.rs"]
mod refusals;
