//! Amazon Pay as the reconciler sees it.
//!
//! ```text
//!             ┌──────────────── account ───────────────┐
//!   turn ───► │ breaker ─► bucket ─► Turn               │
//!   confirm ► │ request ─► sign, send once ─► classify ─┼─► the model's words
//!   look_up ► │        skew ◄── Date ◄──┘       │       │
//!             │        breaker, bucket ◄────────┘       │
//!             └─────────────────────────────────────────┘
//! ```
//!
//! Its duty: keep every merchant account within its quota, stop one that Amazon refuses as a whole, and say
//! of every answer what it means ([`checkout::Class`]) by one table. What it will never know: what a session
//! went through before, when to try again, and where anything is stored. It spawns nothing; the program drives
//! the probes of stopped accounts and records conditions as the [`Observer`] hears of them.

#![warn(missing_docs)]

mod account;
mod accounts;
mod breaker;
mod bucket;
mod calls;
mod classify;
mod exchange;
mod observer;
mod probe;
mod reading;
mod request;
mod scrub;
mod settings;
mod skew;
mod suspects;

pub use account::Turn;
pub use accounts::{AccountState, Accounts, UnknownAccount};
pub use bucket::Bucket;
pub use observer::{CallKind, CallReport, CallResult, Observer};
pub use probe::{Probe, Probed};
pub use settings::{AccountSettings, Quota, Quotas, SettingsError};

pub use amazon_pay::{
    Environment, InvalidId, KeyError, NotARegion, NotAnEnvironment, PrivateKey, PublicKeyId, Region,
};
