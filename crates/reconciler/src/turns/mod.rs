//! Whose turn it is. Pure: time comes in with every question.
//!
//! ```text
//!   the log's due index ──► Window ──► the next for a free token     every account by itself
//!   what lies before it ──► Plan ────► who is given up, what will be lost, whether there is time to spare
//! ```

mod line;
mod plan;
mod waiting;
mod window;

pub use line::Line;
pub use plan::{Capacity, Cell, Forecast, GivenUp, Loss, Plan, WhenNotAll, class_of};
pub use waiting::Claim;
pub use window::Window;
