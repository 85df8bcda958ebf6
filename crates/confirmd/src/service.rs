//! What the machine's service manager is told, where it asks for it (systemd's `Type=notify`).

use sd_notify::NotifyState;

/// It runs: whoever was waiting for it may go on.
pub(crate) fn is_ready() {
    tell(NotifyState::Ready);
}

/// It does its work. Where this is not heard for `WatchdogSec`, it is started again.
pub(crate) fn goes_on() {
    if sd_notify::watchdog_enabled().is_some() {
        tell(NotifyState::Watchdog);
    }
}

/// It was asked to end, and is about to.
pub(crate) fn is_stopping() {
    tell(NotifyState::Stopping);
}

fn tell(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        let error = &error as &dyn std::error::Error;
        tracing::warn!(error, "the service manager cannot be told");
    }
}
