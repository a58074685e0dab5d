//! How far each route has got. Alive over reloads and, by the state file, over restarts.
//!
//! What was said over the file at run time, which phases may be entered, what both sides answered, who still uses the
//! old one.

pub mod standing;
pub mod shared;
pub mod window;
pub mod effective;
pub mod evidence;
pub mod exchanged;
pub mod elsewhere;
mod collecting;
mod restored;
mod queue;
mod state;
mod change;
mod hearing;
mod admission;
pub mod verb;
pub mod leading;
mod judging;
mod adopting;
pub mod keeping;

pub use admission::{Gate, NotYet, Patience};
pub use change::{Actor, Change};
pub use judging::Canary;
pub use restored::Documents;
pub use state::{Progress, Said};

#[cfg(test)]
mod tests;
