//! HTTP/1.1 (RFC 9112) as bytes: heads, framing and chunks, read strictly and written plainly.
//!
//! Whatever two servers could read in two ways is refused here, so that nothing behind ever sees it. Nothing here waits or
//! knows a socket: bytes in, messages out. Modules stand lowest first.

mod refused;
mod fields;
mod chunked;
mod framing;
mod request;
mod answer;
mod incoming;

pub use self::answer::{Delivery, write_chunk_size, write_head, write_interim, write_last_chunk};
pub use self::chunked::{Chunks, Step};
pub use self::framing::Framing;
pub use self::incoming::{BodyError, Feed, Incoming, ReadWrite, Upgraded};
pub use self::refused::Refused;
pub use self::request::{Head, Limits, Scan, parse};
