//! Where the gateway listens, as written. Serving is `server` and `admin`.

pub mod config;
