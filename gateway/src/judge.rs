//! Judges canaries: what each side of a route did to whom, step by step, and what follows from it.

pub mod config;
pub mod noted;
pub mod compiled;
pub mod stage;
