//! What is asked once for everybody who wants to know at about the same time.

use std::time::Duration;

use checkout::Timestamp;
use reconciler::ports::Clock;
use tokio::sync::Mutex;

/// An answer that is good for a while. Who asks meanwhile waits for the one question that is under way.
pub(crate) struct Lately<T> {
    good_for: Duration,
    last: Mutex<Option<(Timestamp, T)>>,
}

impl<T: Clone> Lately<T> {
    pub(crate) fn good_for(good_for: Duration) -> Self {
        Self {
            good_for,
            last: Mutex::default(),
        }
    }

    /// The last answer, or that of `ask`. One that fails is nobody else's.
    pub(crate) async fn or_ask<E>(
        &self,
        clock: &impl Clock,
        ask: impl AsyncFnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        let mut last = self.last.lock().await;
        if let Some((at, answer)) = &*last
            && clock.now() < at.plus(self.good_for)
        {
            return Ok(answer.clone());
        }
        let answer = ask().await?;
        *last = Some((clock.now(), answer.clone()));
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    use checkout::Timestamp;
    use futures::future::join_all;
    use testkit::clock::SimClock;

    use super::Lately;

    #[tokio::test]
    async fn many_who_ask_at_once_are_one_question_and_later_it_is_asked_again() {
        let clock = SimClock::at(Timestamp::from_micros(0));
        let lately = Lately::good_for(Duration::from_secs(1));
        let asked = AtomicU32::new(0);
        let ask = || {
            lately.or_ask(&clock, async || {
                tokio::task::yield_now().await;
                Ok::<_, Infallible>(1 + asked.fetch_add(1, Ordering::Relaxed))
            })
        };
        assert!(
            join_all((0..100).map(|_| ask()))
                .await
                .iter()
                .all(|one| *one == Ok(1))
        );
        clock.move_to(Timestamp::from_micros(999_999));
        assert_eq!(ask().await, Ok(1));
        clock.move_to(Timestamp::from_micros(1_000_000));
        assert_eq!(ask().await, Ok(2));
    }

    #[tokio::test]
    async fn what_could_not_be_answered_is_asked_again() {
        let clock = SimClock::at(Timestamp::from_micros(0));
        let lately = Lately::good_for(Duration::from_secs(1));
        assert_eq!(
            lately.or_ask(&clock, async || Err::<u32, _>("away")).await,
            Err("away")
        );
        assert_eq!(lately.or_ask(&clock, async || Ok::<_, &str>(7)).await, Ok(7));
    }
}
