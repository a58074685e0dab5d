//! How a BFF answers one screen from many backends.
