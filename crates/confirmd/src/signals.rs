//! What ends the program from outside.

/// Returns at SIGTERM or SIGINT.
pub(crate) async fn terminate() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate()).expect("SIGTERM can be listened for");
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
    }
    #[cfg(not(unix))]
    {
        let _ = tokio::signal::ctrl_c().await;
    }
}

/// Keeps SIGHUP from ending the daemon, and says what it does not do yet.
pub(crate) async fn tell_of_hang_ups() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut hang_up = signal(SignalKind::hangup()).expect("SIGHUP can be listened for");
        while hang_up.recv().await.is_some() {
            tracing::warn!(
                "SIGHUP: this version reads keys and limits at its start only: restart it to change them"
            );
        }
    }
}
