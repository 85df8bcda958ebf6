//! Ends the process at a boundary, as a power cut would, or panics there, as a mistake of ours would (feature `test-clock`).
//!
//! ```text
//!   CONFIRMD_TEST_CRASH_AT=publish      the first time that `publish` is met
//!   CONFIRMD_TEST_CRASH_AT=publish:3    the third time
//!   CONFIRMD_TEST_PANIC_AT=publish      the same, by a panic
//!   CONFIRMD_TEST_BOUNDARIES=met.txt    a line for each boundary that is met, `† ` before the last
//! ```

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context;
use reconciler::on_boundary;
use rustix::process::{Signal, getpid, kill_process};

const CRASH_AT: &str = "CONFIRMD_TEST_CRASH_AT";
const PANIC_AT: &str = "CONFIRMD_TEST_PANIC_AT";
const BOUNDARIES: &str = "CONFIRMD_TEST_BOUNDARIES";

struct Crash {
    label: String,
    /// At which time that the label is met.
    nth: u64,
    by: By,
}

#[derive(Clone, Copy)]
enum By {
    Kill,
    Panic,
}

#[derive(Default)]
struct Asked {
    crash: Option<Crash>,
    met: AtomicU64,
    /// Written unbuffered: what has been written outlives the process.
    told: Option<File>,
}

impl Asked {
    fn tell(&self, line: &str) {
        if let Some(mut told) = self.told.as_ref() {
            // One write a line, so that lines of several threads do not mix.
            let _ = told.write_all(format!("{line}\n").as_bytes());
        }
    }

    fn meet(&self, label: &str) {
        let crash = self.crash.as_ref().filter(|crash| {
            crash.label == label && self.met.fetch_add(1, Ordering::Relaxed) + 1 == crash.nth
        });
        let Some(crash) = crash else {
            self.tell(label);
            return;
        };
        self.tell(&format!("† {label}"));
        match crash.by {
            By::Panic => panic!("{PANIC_AT} asks for it"),
            By::Kill => {
                // Unlike abort(3) it runs no handler, leaves no core and cannot be refused.
                let _ = kill_process(getpid(), Signal::KILL);
                loop {
                    std::thread::park();
                }
            }
        }
    }
}

static ASKED: OnceLock<Asked> = OnceLock::new();

/// Does what the environment asks for at boundaries.
pub(crate) fn where_asked() -> anyhow::Result<()> {
    let mut asked = Asked::default();
    for (variable, by) in [(CRASH_AT, By::Kill), (PANIC_AT, By::Panic)] {
        if let Ok(at) = std::env::var(variable) {
            let (label, nth) = at.split_once(':').unwrap_or((&at, "1"));
            asked.crash = Some(Crash {
                label: label.to_owned(),
                nth: nth.parse().with_context(|| format!("{variable}={at}"))?,
                by,
            });
        }
    }
    if let Ok(file) = std::env::var(BOUNDARIES) {
        let opened = OpenOptions::new().create(true).append(true).open(&file);
        asked.told = Some(opened.with_context(|| format!("{BOUNDARIES}={file}"))?);
    }
    if asked.crash.is_some() || asked.told.is_some() {
        let _ = ASKED.set(asked);
        on_boundary(|label| {
            if let Some(asked) = ASKED.get() {
                asked.meet(label);
            }
        });
    }
    Ok(())
}
