//! A clock that only the test moves.

use std::future::poll_fn;
use std::sync::Mutex;
use std::task::{Poll, Waker};
use std::time::Duration;

use checkout::Timestamp;
use reconciler::ports::Clock;

pub(crate) struct TestClock {
    state: Mutex<(Timestamp, Vec<Waker>)>,
}

impl TestClock {
    pub(crate) fn at(now: Timestamp) -> Self {
        Self {
            state: Mutex::new((now, Vec::new())),
        }
    }

    pub(crate) fn set(&self, now: Timestamp) {
        let mut state = self.state.lock().unwrap();
        state.0 = now;
        state.1.drain(..).for_each(Waker::wake);
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.set(self.now().plus(by));
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        self.state.lock().unwrap().0
    }

    async fn sleep_until(&self, at: Timestamp) {
        poll_fn(|context| {
            let mut state = self.state.lock().unwrap();
            if at <= state.0 {
                return Poll::Ready(());
            }
            state.1.push(context.waker().clone());
            Poll::Pending
        })
        .await;
    }
}
