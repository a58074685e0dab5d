//! Small screens of the shop.
