//! Which pages of other sites may use a route from a browser (CORS, as the Fetch standard has it).

pub mod config;
pub mod stage;
