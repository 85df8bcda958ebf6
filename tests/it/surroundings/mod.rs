//! What confirmd stands on gives way for a while, under load: Amazon Pay, the consumer group, the database's connections,
//! the disk, topics, the broker's limits, names. Afterwards nothing is lost and nothing is there twice. The broker and
//! the database killed are in `deaths`.
//!
//! How long it took until something was confirmed again is printed, and never asserted: `--nocapture` shows it.

mod amazon;
mod database;
mod disk;
mod line;
mod names;
mod rebalances;
mod topics;

use testkit::real;

/// The broker that all scenarios share. None where something is missing.
async fn kafka() -> Option<String> {
    let started = tokio::task::spawn_blocking(|| real::kafka().map(|kafka| kafka.bootstrap().to_owned()));
    started.await.unwrap()
}
