//! An Amazon Pay API v2 to test against.
//!
//! ```text
//!   a program under test ── TLS, signed ──► API ──┐
//!                                                 ├─► World: sessions, keys, quotas, faults ─► Books
//!   its tests ── plain http on loopback ► control ┘              ▲
//!                  or the methods of Sandbox                     └── SandboxClock
//! ```
//!
//! **Its duty**: to answer as Amazon does, as far as that is known; where it is not, as a switch says
//! ([`Unknowns`]); to break on request ([`Fault`]); and to tell the truth afterwards ([`Books`]).
//!
//! **What it will never know**: the crates that are tested against it. It shares no code with the client
//! that signs and reads here, so that a mistake in one cannot hide in the other. It stores nothing: a
//! sandbox that ends forgets.
//!
//! # The API
//!
//! HTTP/1.1 over TLS. Paths as `/v2/…`, `/live/v2/…` or `/sandbox/v2/…`, with or without a slash at the end; key
//! ids of either kind ([`MerchantInfo`]). Every operation of a checkout session (create, get, update, complete,
//! finalize), a charge permission (get, update, close), a charge (create, get, update, capture, cancel), a refund
//! (create, get) and a buyer (get). Anything else is 404 or 405 in Amazon's error shape. Signatures, the date and
//! the region are checked; objects and idempotency keys belong to one merchant account.
//!
//! By themselves, on the sandbox's clock: a session ends 24 hours after its creation and is gone after 30 days; a
//! pending payment, a late capture and a refund are decided after 30 seconds; an authorization lapses after 30
//! days; a charge permission expires after 180 days, or 13 months. What has happened never unhappens, even where
//! the clock is set back.
//!
//! A call that has arrived is worked on to its end, whether or not its caller still waits for the answer. A body
//! of more than a mebibyte is 400 InvalidRequest; one that does not come in time, 408 RequestTimeout.
//!
//! A session whose `chargeAmount` or `paymentIntent` is still missing cannot be confirmed: 422. A Saved Wallet setup
//! needs no amount.
//!
//! Cards (`card` of [`NewSession`]) act when the session is confirmed: one ending in 3434 makes it Canceled
//! (Declined), 3064 Canceled (BuyerCanceled), 0701 and 4354 leave a payment pending that is then Authorized
//! or Declined. `x-amz-pay-simulation-code` overrides the card. There is no page that gives out buyer tokens, so
//! Get Buyer takes the `buyerId` of a session.
//!
//! Notifications ([`IpnTarget`]): an SNS envelope, signed, for every [`Change`] of a merchant who has given an
//! address, plain http on loopback. The certificate is issued to `sns.amazonaws.com` by a CA of the sandbox's own;
//! both are written beside `ca.pem` as `ipn-certificate.pem` and `ipn-ca.pem` when they are first needed. What
//! is answered 5xx, or not within 15 seconds of real time, is posted again hourly, three times.
//!
//! # The control API
//!
//! | call | what |
//! | --- | --- |
//! | `POST /sessions` | a session whose buyer has finished; the body is a [`NewSession`] |
//! | `POST /sessions/{id}/buyer` | `{"action": "finish" \| "cancel" \| "decline" \| "leave"}` ([`Buyer`]) |
//! | `POST /permissions/{id}/buyer` | `{"action": "update" \| "close"}` ([`PermissionBuyer`]) |
//! | `POST /merchants/{account}` | `{"status": "refused" \| "active"}`: refused accounts get 403 for everything |
//! | `GET /clock`, `POST /clock` | `{"now", "speed"}`; `{"advance": "23h"}`, `{"set": "…"}`, `{"speed": 1440}` |
//! | `POST /faults`, `DELETE /faults` | a [`Fault`]; clears them all |
//! | `GET /unknowns` | every switch of [`Unknowns`]: `{"value", "default", "allowed", "meaning", "why"}` |
//! | `POST /unknowns` | sets some of them; answers the values of all |
//! | `GET /books` | the [`Books`], and under `notifications` every [`NotificationBook`] |
//! | `GET /ipn` | per merchant an [`IpnInfo`]: its topic, and where its notifications go |
//! | `POST /ipn`, `DELETE /ipn` | an [`IpnTarget`]; nothing more is sent (to `{"account"}`, or to anybody) |
//! | `POST /ipn/faults`, `DELETE /ipn/faults` | an [`IpnFault`]; clears them all |
//! | `GET /ipn/certificate.pem`, `GET /ipn/ca.pem` | what notifications are signed with, and who issued that |
//! | `GET /` | the page for a person: sessions with their calls, what the buyer does, the clock |
//!
//! A web page from elsewhere may change nothing here, and names other than loopback's are 403.
//!
//! Refusals are `{"error": "…"}` with 400, 404 or 409. A clock that belongs to an embedding program is not
//! moved: 409. Lengths of time are written `30s`, `1h30m`, `2d`.

mod api;
mod control;
mod ipn;
#[cfg(test)]
mod model;
mod objects;
mod operations;
mod options;
mod sandbox;
mod shared;
mod time;
mod unknowns;
mod wire;
mod world;

pub use control::faults::{Fault, Kind, When};
pub use control::new_session::{
    Buyer, BuyerAction, NewSession, PermissionBuyer, PermissionBuyerAction, Refuse, Route, SessionAfter,
};
pub use ipn::{
    IpnFault, IpnFaultKind, IpnInfo, IpnTarget, NotificationBook, NotificationState, SnsSignature,
};
pub use objects::charge::ChargeState;
pub use objects::permission::PermissionState;
pub use objects::price::Price;
pub use objects::refund::RefundState;
pub use options::{
    ClockSource, Environment, Info, MerchantInfo, MerchantSpec, Options, Profile, Region, StartError,
};
pub use sandbox::Sandbox;
pub use shared::ControlError;
pub use time::clock::{OutsideTheCalendar, SandboxClock, SettableClock};
pub use time::span::Span;
pub use unknowns::{AddressComparison, Mismatch, PendingState, Unknowns};
pub use wire::merchants::MerchantStatus;
pub use world::books::{
    Books, Call, ChargeBook, ChargeLedger, Effect, FaultBook, PermissionBook, RefundBook, SessionBook,
    StruckFault, Totals,
};
pub use world::changes::{Change, ChangeKind, ObjectType};
