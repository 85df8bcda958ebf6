//! The scenarios: the whole program over real parts. Everything is in `it/`.
