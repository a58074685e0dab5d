//! Who still uses the old side of a route: noted on the data path, added up beside it.

pub mod noted;
pub mod known;
