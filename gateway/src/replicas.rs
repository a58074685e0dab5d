//! What several gateways share, in one Redis: documents with versions, a lease that one of them holds, lists of ticks,
//! events, and what each says of itself.
//!
//! Knows the engine and nothing of what is kept there: names, JSON and bytes go in and come out as they are. Every step
//! that must be whole is one script, so that it holds on Redis from 6 on and on Valkey.

mod error;
mod keys;
mod connection;
mod board;
mod lease;
mod documents;
mod ticks;
mod events;
mod presence;
mod company;

pub use board::Board;
pub use company::Company;
pub use documents::{Changed, Commit, Committed, Document, Mark, Trim, Write};
pub use error::BoardError;
pub use events::{Event, EventId};
pub use lease::{Fence, Lease};
pub use presence::Other;
pub use ticks::{LIST_LIFE, LIST_LIMIT, Pushed, Taken};
