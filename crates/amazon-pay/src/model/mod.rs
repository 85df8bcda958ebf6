//! Amazon's objects: what we are told, and the parts of it that we may say ourselves.

mod charge;
mod charge_permission;
mod checkout_session;
mod extra;
mod lenient;
mod money;
mod payment;
mod recurring;
mod refund;
mod shared;
mod words;

pub use charge::Charge;
pub use charge_permission::{ChargePermission, ChargePermissionStatus, Limits, Reason};
pub use checkout_session::{CheckoutSession, Constraint};
pub use extra::Extra;
pub use money::{Currency, InvalidPrice, Price};
pub use payment::{PaymentDetails, PaymentMethodOnFileMetadata, PaymentPreference, WebCheckoutDetails};
pub use recurring::{Frequency, RecurringMetadata};
pub use refund::Refund;
pub use shared::{Address, Buyer, MerchantMetadata, ProviderMetadata, StatusDetails};
pub use words::{
    Channel, ChargeInitiator, ChargePermissionReason, ChargePermissionState, ChargePermissionType,
    ChargeReason, ChargeState, CheckoutMode, CheckoutSessionReason, CheckoutSessionState, ConstraintId,
    FrequencyUnit, PaymentIntent, ProductType, RefundReason, RefundState, ReleaseEnvironment,
};
pub(crate) use words::{is_disruptive, words, write_on_one_line};

use serde::de::DeserializeOwned;

/// An object that Amazon answers with: [`CheckoutSession`], [`ChargePermission`], [`Charge`], [`Refund`] or
/// [`Buyer`].
///
/// Sealed: the answers of this crate implement it.
pub trait Answer: sealed::Sealed + DeserializeOwned + Send + 'static {
    /// Reads the object from the JSON that Amazon sends, for example from a stored copy.
    ///
    /// # Errors
    /// [`InvalidAnswer`] when it is not JSON, lacks the id or the state that make it this object, or says of
    /// money, ids or addresses what cannot be understood.
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
impl Answer for Refund {}
impl Answer for Buyer {}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::CheckoutSession {}
    impl Sealed for super::Charge {}
    impl Sealed for super::ChargePermission {}
    impl Sealed for super::Refund {}
    impl Sealed for super::Buyer {}
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
