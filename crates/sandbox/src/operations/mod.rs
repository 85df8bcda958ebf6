//! What the API can be asked to do, apart from looking.

pub(crate) mod checkout;
pub(crate) mod confirm;
