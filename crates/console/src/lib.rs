//! The console: what people and shops see of confirmd over HTTP, and what operators do through it.
//!
//! ```text
//!   connection ─► serve (bounds) ─► access (who is it, from where) ─┬─► api    JSON for programs
//!                                                                   ├─► pages  HTML for people
//!                                                                   └─► acts   each confirmed, with who and why
//!                                                   all of them ask the Desk, which the program implements
//! ```
//!
//! Pages work without JavaScript; with it, they follow what happens. Nothing is fetched from anywhere else. Personal data is
//! shown to operators who ask for it, on a page of its own. It knows no database, no Kafka and no Amazon Pay, and it decides nothing about a session: what it may not
//! do, the desk refuses.

#![warn(missing_docs)]

mod access;
mod acts;
mod api;
mod assets;
mod desk;
mod pages;
mod serve;
pub mod shown;

pub use access::Access;
pub use desk::{Act, ActRefused, Asked, Awaited, Desk, On, Trouble};
pub use pages::distance;
pub use serve::serve;
