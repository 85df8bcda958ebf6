//! The use cases: what happens when an event arrives, when a session is due, when a fact is to be told.
//!
//! ```text
//!   checkout.completed ─► observe ─┐
//!          retry timer ─► advance ─┼─► Amazon Pay, session log ─► announce ─► outcomes, alerts
//!           sweep tick ─► advance ─┘
//! ```
//!
//! [`Reconciler::advance`] is the only function that calls Amazon Pay, and everything before the call may
//! run twice. Nothing here spawns, and nothing here knows an outside library: the caller drives the futures,
//! so that a simulation can. What the use cases need from outside are the ports in [`ports`].

mod advance;
mod announce;
mod arrival;
mod boundary;
mod details;
mod notice;
mod observe;
mod operate;
mod personal;
pub mod ports;
mod record;
mod recording;
mod reschedule;
pub mod turns;

pub use advance::{Advanced, Begun, Policies, Reconciler};
pub use announce::{Announcement, Content, alert_id, announcement_at, announcements_of, mark_told, publish};
pub use arrival::{Arrival, DeadLetter, KeepDeadLetters, TakeIn};
pub use boundary::{boundary, on_boundary};
pub use details::AskForDetails;
pub use notice::{
    AccountCondition, AccountConditions, Condition, Notice, NoticeKind, NoticeLog, PublishNotice,
};
pub use observe::Observed;
pub use operate::{Act, ActError};
pub use personal::{Address, BuyerDetails, Personal};
pub use record::{Actor, Append, Recorded, Row, Schedule, Version, replay};
