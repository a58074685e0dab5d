//! Who is who.

use std::sync::Arc;

use serde::Deserialize;

use super::seconds;
use crate::backend::Backend;
use crate::call::{Call, Kept};

/// Names rarely change; they are given to nobody but who asked.
const KEPT: Kept = Kept::by_user(seconds(5)).stale_if_error(seconds(600));

/// The users.
#[derive(Clone, Debug)]
pub struct Users(pub(super) Arc<Backend>);

/// Somebody who buys.
#[derive(Clone, Debug, Deserialize)]
pub struct User {
    /// The id.
    pub id: u64,
    /// First and last name.
    pub name: String,
    /// Where mail goes.
    pub email: String,
    /// `standard` or `gold`.
    pub plan: Option<String>,
}

impl Users {
    /// Whoever asks.
    pub fn me(&self) -> Call<User> {
        Call::get(&self.0, "/me").kept(KEPT)
    }

    /// Somebody.
    pub fn one(&self, id: u64) -> Call<User> {
        Call::get(&self.0, "").segment(id).kept(KEPT)
    }
}
