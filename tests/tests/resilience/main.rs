//! Backends fail, the edge does not: real processes and sockets, at real intervals.

mod upstream;
mod stale;
mod changes;
