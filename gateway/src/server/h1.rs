//! HTTP/1.1 towards clients. Ours, because an edge must see every byte before anybody else reads a meaning into it: what is
//! refused is refused by us, an interim answer can be sent, and a connection without a request holds no memory.

mod line;
mod outbox;
mod passing;
mod connection;

pub(super) use self::connection::{Service, serve};
pub(super) use self::line::Line;
