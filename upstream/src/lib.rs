//! One resilient way to call a backend.
//!
//! [`call()`] is the call, outermost first: deadline, retry within the budget, breaker, bulkhead, balance, attempt
//! timeout, transport. Transports stand below it behind one trait, so that the per-core gateway and a multi-threaded BFF
//! use the same policies.
//! Modules stand lowest first.

mod sync;
mod window;
mod stamp;
mod ewma;
pub mod ejection;
pub mod health;
pub mod endpoint;
pub mod error;
pub mod body;
pub mod tally;
pub mod breaker;
pub mod bulkhead;
pub mod budget;
pub mod retry;
pub mod balance;
pub mod fleet;
pub mod transport;
pub mod hedge;
pub mod call;
pub mod discovery;
pub mod checking;

pub use body::Resend;
pub use call::{Answered, Calling, Upstream, Whose, call, call_apart};
pub use endpoint::{Endpoint, InFlight, Place};
pub use error::{CallError, Failed, Kind, Trail};
pub use transport::{Connecting, Connection, Transport};
