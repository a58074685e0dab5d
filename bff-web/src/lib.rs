//! Rich pages of the shop.
