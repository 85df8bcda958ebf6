//! The console over HTTP, with a desk that answers what a test tells it to.

#![allow(
    clippy::unwrap_used,
    reason = "a test says what it expects by failing, in its helpers too"
)]

mod abuse;
mod access;
mod acting;
mod describing;
mod pages;
mod support;
