//! The Kafka side: what the shop says comes in, what became of it goes out.
//!
//! ```text
//!   checkout.completed ─► Intake ─► parse ─┬─► TakeIn (the reconciler) ─► offset committed
//!                                          └─► DeadLetters ─► checkout.completed.dlq, or kept
//!   checkout.outcomes, checkout.alerts ◄─ Publisher ◄─ announcements, notices
//! ```
//!
//! At least once in both directions: an offset is committed only after what it stands for is on record,
//! and what the broker does not acknowledge is told again under the same id. rdkafka lives here and
//! nowhere else, and no format of a topic is known anywhere else. It will never know what a session is
//! done with: that is the model's.

#![warn(missing_docs)]

mod admin;
pub mod clients;
mod context;
mod dead_letter;
mod intake;
mod lane;
mod marks;
pub mod mock;
mod parse;
mod partition;
mod publish;
mod settings;

pub use admin::{CheckFailed, check, create_topics};
pub use dead_letter::DeadLetters;
pub use intake::{Intake, Limits};
pub use parse::{Accounts, Incoming, Unreadable, parse};
pub use partition::partition_of;
pub use publish::{Publisher, event_type, told};
pub use settings::{NotUsable, Settings};
