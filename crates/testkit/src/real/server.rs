//! One run of a server process, under a guard that ends it with the test process.
//!
//! ```text
//!   test process ──orders──► /bin/sh ──parent of──► server ──log──► test process
//!                                                    (its end: the server and all its children are gone)
//! ```
//!
//! An order is the name of a signal. The end of the orders, which the kernel writes when the test process dies, is an
//! order too: kill. Only the test process holds the write end of the orders (the standard library marks it
//! close-on-exec), so nothing it started can keep the guard waiting.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::folder::Folder;

/// A start takes about two seconds; this is for a machine that has much else to do.
const START_WITHIN: Duration = Duration::from_secs(120);
const STOP_WITHIN: Duration = Duration::from_secs(60);

/// How much of the log an error repeats.
const LAST_LINES: usize = 40;

/// Our stderr is the folder's hold and our stdout the log. The server gets the hold as stdin, the log as stdout and
/// stderr; we let go of the log, so that its end is the server's. The traps come after the start: what is ignored is
/// inherited.
///
/// PostgreSQL's children leave its process group, so they are named. Where the kernel does not list them, they notice by
/// themselves that their parent is gone.
const GUARD: &str = r#"
    "$@" <&2 2>&1 &
    server=$!
    exec >&2
    trap '' HUP INT TERM
    end() { kill -KILL $server $(cat /proc/$server/task/*/children); }
    while read -r signal; do
        case $signal in
            KILL) end 2>/dev/null ;;
            *) kill -s "$signal" $server 2>/dev/null ;;
        esac
    done
    end 2>/dev/null
    wait $server
"#;

/// A running server. Dropping it kills it.
pub(super) struct Running {
    name: &'static str,
    guard: Child,
    /// Present until drop.
    orders: Option<ChildStdin>,
    /// Tells once when the server is ready; disconnected when it and its children are gone. The mutex is never locked: it
    /// lets a running server stand in a static.
    state: Mutex<Receiver<()>>,
    last_lines: LastLines,
}

type LastLines = Arc<Mutex<VecDeque<String>>>;

impl Running {
    /// Starts `command` in `folder` and waits until it logs a line that contains `ready`.
    ///
    /// # Panics
    /// If it ends before it is ready, or takes too long. The panic repeats the end of its log.
    pub(super) fn start<Part: AsRef<OsStr>>(
        name: &'static str,
        folder: &Folder,
        command: impl IntoIterator<Item = Part>,
        ready: &'static str,
    ) -> Self {
        Self::spawn(name, folder, command, ready)
            .and_then(Self::wait_until_ready)
            .unwrap_or_else(|error| panic!("{name} did not start: {error}"))
    }

    fn spawn<Part: AsRef<OsStr>>(
        name: &'static str,
        folder: &Folder,
        command: impl IntoIterator<Item = Part>,
        ready: &'static str,
    ) -> io::Result<Self> {
        let (log, log_end) = io::pipe()?;
        let mut guard = folder
            .command("/bin/sh")?
            .args(["-c", GUARD, "server-guard"])
            .args(command)
            .stdin(Stdio::piped())
            .stdout(log_end)
            .stderr(folder.hold()?)
            .spawn()?;
        let orders = guard.stdin.take();
        let (tell, state) = channel();
        let last_lines = LastLines::default();
        let kept = Arc::clone(&last_lines);
        // Ends with the server. It goes on reading after `ready`, or a full pipe would stop the server.
        thread::Builder::new()
            .name(format!("{name} log"))
            .spawn(move || read_log(log, ready, &tell, &kept))?;
        Ok(Self {
            name,
            guard,
            orders,
            state: Mutex::new(state),
            last_lines,
        })
    }

    fn wait_until_ready(mut self) -> io::Result<Self> {
        let why = match self.next_state(START_WITHIN) {
            Ok(()) => return Ok(self),
            Err(RecvTimeoutError::Disconnected) => "it ended".to_owned(),
            Err(RecvTimeoutError::Timeout) => format!("not ready after {START_WITHIN:?}"),
        };
        let lines = self.last_lines.lock().unwrap_or_else(PoisonError::into_inner);
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        Err(io::Error::other(format!(
            "{why}. The end of its log:\n{}",
            lines.join("\n")
        )))
    }

    fn next_state(&mut self, within: Duration) -> Result<(), RecvTimeoutError> {
        self.state
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner)
            .recv_timeout(within)
    }

    /// Sends `signal` ("TERM", "INT", "KILL") and waits until the server and its children are gone.
    ///
    /// # Panics
    /// If that takes more than a minute.
    pub(super) fn end(mut self, signal: &str) {
        let orders = self.orders.as_mut().expect("taken in drop only");
        writeln!(orders, "{signal}").expect("the guard listens as long as we hold its orders");
        loop {
            match self.next_state(STOP_WITHIN) {
                Ok(()) => (),
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {
                    panic!("{} still runs {STOP_WITHIN:?} after SIG{signal}", self.name)
                }
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.orders = None;
        let _ = self.guard.wait();
    }
}

fn read_log(log: impl io::Read, ready: &str, tell: &Sender<()>, kept: &Mutex<VecDeque<String>>) {
    for line in BufReader::new(log).split(b'\n') {
        let Ok(line) = line else { return };
        let line = String::from_utf8_lossy(&line).into_owned();
        if line.contains(ready) {
            // Nobody may listen any more; the log is read on all the same.
            let _ = tell.send(());
        }
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == LAST_LINES {
            kept.pop_front();
        }
        kept.push_back(line);
    }
}
