//! What the API can be asked to do, apart from looking at sessions.

pub(crate) mod buyers;
pub(crate) mod charge_reports;
pub(crate) mod charges;
pub(crate) mod checkout;
pub(crate) mod compare;
pub(crate) mod confirm;
pub(crate) mod permissions;
pub(crate) mod refunds;
pub(crate) mod simulation;
