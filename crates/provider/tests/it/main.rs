//! Accounts against a local server under a settable clock.
