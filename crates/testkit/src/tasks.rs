//! Futures driven by hand, one poll at a time: who goes next is the caller's choice, and so is whose
//! future is dropped half-way. Nothing here spawns a thread.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use crate::clock::SimClock;

/// Lets others go first, once: a place where the driver may interleave, or crash.
pub async fn pause() {
    let mut paused = false;
    std::future::poll_fn(|context| {
        if paused {
            return Poll::Ready(());
        }
        paused = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

struct Task<T> {
    future: Pin<Box<dyn Future<Output = T> + Send>>,
    woken: Arc<Woken>,
}

/// The futures that one process has under way.
pub struct Tasks<T> {
    tasks: BTreeMap<u64, Task<T>>,
    next: u64,
}

impl<T> Default for Tasks<T> {
    fn default() -> Self {
        Self {
            tasks: BTreeMap::new(),
            next: 0,
        }
    }
}

impl<T> Tasks<T> {
    /// Adds one, ready to be polled.
    pub fn spawn(&mut self, future: impl Future<Output = T> + Send + 'static) {
        self.next += 1;
        let woken = Arc::new(Woken(AtomicBool::new(true)));
        self.tasks.insert(
            self.next,
            Task {
                future: Box::pin(future),
                woken,
            },
        );
    }

    /// Those that can go on.
    pub fn ready(&self) -> impl Iterator<Item = u64> {
        self.tasks
            .iter()
            .filter(|(_, task)| task.woken.0.load(Ordering::Relaxed))
            .map(|(id, _)| *id)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// Polls one once; what it came to, if it has ended.
    pub fn poll(&mut self, id: u64) -> Option<T> {
        let task = self.tasks.get_mut(&id)?;
        task.woken.0.store(false, Ordering::Relaxed);
        let waker = Waker::from(task.woken.clone());
        match task.future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(ended) => {
                self.tasks.remove(&id);
                Some(ended)
            }
            Poll::Pending => None,
        }
    }

    /// The process dies: every future is dropped where it stands.
    pub fn crash(&mut self) {
        self.tasks.clear();
    }
}

/// Drives one future to its end; while it sleeps, the clock jumps to the instant that it waits for.
///
/// # Panics
/// Where it waits for what nobody will bring.
pub fn run<T>(clock: &SimClock, future: impl Future<Output = T>) -> T {
    let woken = Arc::new(Woken(AtomicBool::new(true)));
    let waker = Waker::from(woken.clone());
    let mut future = std::pin::pin!(future);
    loop {
        while woken.0.swap(false, Ordering::Relaxed) {
            if let Poll::Ready(ended) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return ended;
            }
        }
        let next = clock
            .next_wake()
            .expect("it waits for an instant, or it would have woken");
        clock.move_to(next);
    }
}
