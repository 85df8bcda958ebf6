//! Amazon's objects: what we send, and what we are told.

mod charge;
mod checkout_session;
mod lenient;
mod shared;
mod words;

pub use charge::{Charge, ChargePermission, ChargePermissionStatus, Limits, Reason};
pub use checkout_session::{
    CheckoutSession, CompleteCheckoutSession, Constraint, FinalizeCheckoutSession, PaymentDetails,
    PaymentPreference,
};
pub use shared::{Address, Buyer, MerchantMetadata, Price, StatusDetails};
pub use words::{
    ChargePermissionState, ChargePermissionType, ChargeState, CheckoutSessionState, PaymentIntent,
    ProductType,
};

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

fn body_of(request: &impl Serialize) -> Bytes {
    serde_json::to_vec(request)
        .expect("structs of text, numbers and options always have a JSON form")
        .into()
}

/// An object that Amazon answers with.
///
/// Sealed: the answers of this crate implement it.
pub trait Answer: sealed::Sealed + DeserializeOwned + Send + 'static {
    /// Reads the object from the JSON that Amazon sends, for example from a stored copy.
    ///
    /// # Errors
    /// [`InvalidAnswer`] when it is not JSON, or lacks the id or the state that make it this object.
    fn from_json(json: &[u8]) -> Result<Self, InvalidAnswer> {
        // What serde_json says is dropped except for the place: its message can quote the text it stumbled
        // over.
        serde_json::from_slice(json).map_err(|error| InvalidAnswer {
            line: error.line(),
            column: error.column(),
        })
    }
}

impl Answer for CheckoutSession {}
impl Answer for Charge {}
impl Answer for ChargePermission {}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::CheckoutSession {}
    impl Sealed for super::Charge {}
    impl Sealed for super::ChargePermission {}
}

/// The text is not the object that was expected. Says where, not what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the expected JSON (line {line}, column {column})")]
pub struct InvalidAnswer {
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1.
    pub column: usize,
}
