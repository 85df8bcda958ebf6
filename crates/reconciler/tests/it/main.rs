//! The use cases over fakes that keep the ports' promises, and then over fakes that break everything else.

mod given;
mod simulation;
