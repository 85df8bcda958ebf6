//! What Amazon Pay keeps, and the values that it is made of.

pub(crate) mod address;
pub(crate) mod charge;
pub(crate) mod price;
pub(crate) mod session;
