//! How far each route has got. Alive over reloads and, by the state file, over restarts.
//!
//! What was said over the file at run time, which phases may be entered, what both sides answered, who still uses the
//! old one.

pub mod standing;
pub mod window;
pub mod effective;
mod restored;
mod state;
mod change;
pub mod verb;
pub mod keeping;

pub use change::{Actor, Change, Gate, NotYet, Patience};
pub use restored::Documents;
pub use state::{Progress, Said};

#[cfg(test)]
mod tests;
