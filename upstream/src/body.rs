//! A request's body that may have to be sent once more.

use bytes::Bytes;
use http_body_util::Full;

/// What the next try needs of a body that this try has taken.
pub trait Resend: Sized {
    /// The same body from its beginning. Taken before the body is sent, and read only when that has failed.
    #[must_use]
    fn again(&self) -> Self;

    /// Whether it is still there from its beginning, though another handle may have been read from.
    fn is_whole(&self) -> bool;

    /// Whether whoever sends it has fallen silent in the middle: what takes long then is not the backend.
    fn is_awaited(&self) -> bool {
        false
    }
}

impl Resend for Bytes {
    fn again(&self) -> Self {
        self.clone()
    }

    fn is_whole(&self) -> bool {
        true
    }
}

impl Resend for Full<Bytes> {
    fn again(&self) -> Self {
        self.clone()
    }

    fn is_whole(&self) -> bool {
        true
    }
}
