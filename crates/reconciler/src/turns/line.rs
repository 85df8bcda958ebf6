//! The window as all share it who take tokens.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Window;

/// One window, for the work that pulls from it and for whoever might overtake those who wait in it.
#[derive(Debug, Clone)]
pub struct Line(Arc<Mutex<Window>>);

impl Line {
    /// Shares a window.
    pub fn new(window: Window) -> Self {
        Self(Arc::new(Mutex::new(window)))
    }

    /// The window. Nothing in it can panic half-way through a change, so a poisoned lock is as good as any.
    pub fn window(&self) -> MutexGuard<'_, Window> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
