//! TLS on the public side.

pub mod greeting;
