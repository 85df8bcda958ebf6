//! The model: what a checkout session is to us, and what is done about it.
//!
//! ```text
//!   facts ──► Session::evolve ──► Session ──► next_step(session, now, policy) ──► Step
//!                                    │
//!                     Command ──► decide(session, now, policy, command) ──► more facts
//! ```
//!
//! Consumer, retry timer, sweeper, restart, `sessions explain` and the tests all ask [`next_step`]; it
//! takes no hint about what has changed, so there is no fast path that can drift from a slow one.
//!
//! This crate decides. It knows no clock, no I/O, no formats, and history cannot fail to replay.

#![warn(missing_docs)]
#![warn(clippy::wildcard_enum_match_arm)]

mod alert;
mod answer;
mod decide;
mod event;
mod evolve;
mod money;
mod order;
mod policy;
mod session;
mod step;
mod time_left;
mod values;

pub use alert::{Alert, AlertKind, Alerts};
pub use answer::{Answer, ChargeAnswer, ChargeFound, Class, ConfirmAnswer, Found, Ids, LookUp, LookUpAnswer};
pub use decide::{AccountIs, Command, Refused, decide};
pub use event::{Because, Event, Evidence, ForswornBy, Payment, Refusal};
pub use money::{Amount, Currency, NotAnAmount};
pub use order::{ChargePermissionType, Flaw, Operation, Order, PaymentIntent, ProductType, Statement, Work};
pub use policy::{Backoff, Mode, Near, Policy};
pub use session::{
    BuyerNotDone, Deadline, DeadlineFrom, Doubt, Hold, InFlight, KeyChoice, Open, Outcome, Pending, Question,
    SameAnswer, Session, Settled, StateName, Subject,
};
pub use step::{Step, next_step, turnless_at, wake_at};
pub use values::{
    AccountName, BodyRef, IdempotencyKey, NotAName, NotATime, PrivateRef, SessionId, Timestamp,
};
