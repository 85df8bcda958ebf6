//! The use cases over fakes that keep the ports' promises, and then over fakes that break everything else.

mod accounts;
mod announcing;
mod answering;
mod arriving;
mod confirming;
mod details;
mod given;
mod operating;
mod plan;
mod rescheduling;
mod simulation;
mod waiting;
mod window;
