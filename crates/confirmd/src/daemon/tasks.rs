//! The long-lived tasks. One that ends early, well or badly, takes the rest down with it: a worker that
//! silently stopped sweeping is worse than one that restarts.

use std::future::Future;
use std::time::Duration;

use anyhow::{Context, anyhow};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::clock::real_sleep;
use crate::service;

pub(crate) struct Tasks {
    set: JoinSet<(&'static str, anyhow::Result<()>)>,
    stop: CancellationToken,
    grace: Duration,
}

impl Tasks {
    pub(crate) fn new(grace: Duration) -> Self {
        Self {
            set: JoinSet::new(),
            stop: CancellationToken::new(),
            grace,
        }
    }

    /// Ends when it is to stop, and never before.
    pub(crate) fn spawn<F>(&mut self, name: &'static str, task: impl FnOnce(CancellationToken) -> F)
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let task = task(self.stop.clone());
        self.set.spawn(async move { (name, task.await) });
    }

    /// Runs until `signal`, or until a task ends; then stops the others within the grace.
    pub(crate) async fn run_until(mut self, signal: impl Future<Output = ()>) -> anyhow::Result<()> {
        let first = tokio::select! {
            () = signal => None,
            ended = self.set.join_next() => ended,
        };
        let mut failure = match first {
            None => {
                tracing::info!("stopping: no more work is taken");
                service::is_stopping();
                None
            }
            Some(Ok((name, Ok(())))) => Some(anyhow!("the task `{name}` ended early")),
            Some(Ok((name, Err(error)))) => Some(error.context(format!("the task `{name}` failed"))),
            Some(Err(error)) => Some(anyhow::Error::new(error).context("a task panicked")),
        };
        self.stop.cancel();
        // The grace is the operator's patience, so that it is counted in the machine's time.
        let deadline = real_sleep(self.grace);
        tokio::pin!(deadline);
        loop {
            tokio::select! {
                ended = self.set.join_next() => match ended {
                    None => break,
                    Some(Ok((_, Ok(())))) => {}
                    Some(Ok((name, Err(error)))) => {
                        failure.get_or_insert(error.context(format!("the task `{name}` failed while stopping")));
                    }
                    Some(Err(error)) => {
                        failure.get_or_insert(anyhow::Error::new(error).context("a task panicked while stopping"));
                    }
                },
                () = &mut deadline => {
                    tracing::warn!(unfinished = self.set.len(), "shutdown_grace is over: what is in flight is left in doubt");
                    break;
                }
            }
        }
        failure.map_or(Ok(()), Err).context("confirmd stopped")
    }
}
