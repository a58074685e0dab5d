//! The atomics and locks of what several cores share. Named here once, so that a model checker's can stand in for them.

pub(crate) use std::sync::Mutex;
pub(crate) use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
