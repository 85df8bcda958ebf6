//! confirmd as a process: started, asked, ended in every way.

use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::console;
use super::in_time;

/// A running confirmd. It ends with the test, however that ends.
pub(crate) struct Daemon {
    child: Child,
    lines: watch::Receiver<Vec<String>>,
    reader: JoinHandle<()>,
    console: String,
}

/// A process that has ended.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Finished {
    pub(crate) fn code(&self) -> i32 {
        self.status.code().unwrap_or(-1)
    }
}

/// Not the end of a process, but an error, where a file may not grow: as it is on a disk that is full.
const HEARS_OF_FULL_DISKS: &str = r#"trap '' XFSZ; exec "$0" "$@""#;

fn program(config: &Path, control_url: &str, environment: &[(&str, &str)]) -> Command {
    let program = Command::new(env!("CARGO_BIN_EXE_confirmd-under-test"));
    with_usual(program, config, control_url, environment)
}

fn with_usual(
    mut program: Command,
    config: &Path,
    control_url: &str,
    environment: &[(&str, &str)],
) -> Command {
    program
        .arg("--config")
        .arg(config)
        .env("CONFIRMD_TEST_CLOCK", control_url)
        // What is said to the tests is no setting of the program.
        .env_remove("CONFIRMD_DEATH_SEED")
        .env_remove("CONFIRMD_DEATH_SEEDS")
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    program
}

/// Runs one command to its end.
pub(crate) async fn command(
    config: &Path,
    control_url: &str,
    arguments: &[&str],
    environment: &[(&str, &str)],
) -> Finished {
    let output = program(config, control_url, environment).args(arguments).output();
    let output = in_time(&arguments.join(" "), output).await.unwrap();
    Finished {
        status: output.status,
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

impl Daemon {
    pub(crate) async fn start(config: &Path, control_url: &str, environment: &[(&str, &str)]) -> Self {
        let mut daemon = Self::begin(config, control_url, environment);
        daemon.serving().await;
        daemon
    }

    /// Waits until its console can be asked.
    pub(crate) async fn serving(&mut self) {
        let line = self.line("console listens on ").await;
        let (_, address) = line.rsplit_once("console listens on ").unwrap();
        self.console = address.split_whitespace().next().unwrap().to_owned();
    }

    /// Starts it and waits for nothing.
    pub(crate) fn begin(config: &Path, control_url: &str, environment: &[(&str, &str)]) -> Self {
        Self::of(program(config, control_url, environment))
    }

    /// The same, by way of a shell that sees to what happens where a file may not grow.
    pub(crate) fn begin_hearing_of_full_disks(config: &Path, control_url: &str) -> Self {
        let mut shell = Command::new("/bin/sh");
        shell.args([
            "-c",
            HEARS_OF_FULL_DISKS,
            env!("CARGO_BIN_EXE_confirmd-under-test"),
        ]);
        Self::of(with_usual(shell, config, control_url, &[]))
    }

    fn of(mut program: Command) -> Self {
        let mut child = program.arg("run").spawn().unwrap();
        let stderr = child.stderr.take().unwrap();
        let (told, lines) = watch::channel(Vec::new());
        let reader = tokio::spawn(async move {
            let mut read = BufReader::new(stderr).lines();
            while let Ok(Some(line)) = read.next_line().await {
                told.send_modify(|lines| lines.push(line));
            }
        });
        Self {
            child,
            lines,
            reader,
            console: String::new(),
        }
    }

    /// The first line on its standard error that has this in it.
    pub(crate) async fn line(&self, part: &str) -> String {
        let mut lines = self.lines.clone();
        let found = Arc::new(Mutex::new(None));
        let noted = found.clone();
        let heard = lines.wait_for(move |lines| {
            let line = lines.iter().find(|line| line.contains(part)).cloned();
            let is_there = line.is_some();
            *noted.lock().unwrap() = line;
            is_there
        });
        let heard = in_time(part, heard).await.is_ok();
        assert!(
            heard,
            "confirmd ended without saying {part:?}: {:#?}",
            self.lines.borrow()
        );
        let line = found.lock().unwrap().clone();
        line.unwrap()
    }

    /// Everything it has said so far.
    pub(crate) fn said(&self) -> String {
        self.lines.borrow().join("\n")
    }

    /// Where its console listens: address and port.
    pub(crate) fn address(&self) -> &str {
        &self.console
    }

    /// What its console answers: status and body.
    pub(crate) async fn get(&self, path: &str) -> (u16, String) {
        console::get(&self.console, path).await
    }

    /// SIGTERM, and what it says until it has ended.
    pub(crate) async fn terminate(mut self) -> Finished {
        self.signal("-TERM");
        self.finish().await
    }

    /// SIGSTOP: it stands still until it goes on, and does not know.
    pub(crate) fn stall(&self) {
        self.signal("-STOP");
    }

    /// SIGCONT.
    pub(crate) fn go_on(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let sent = std::process::Command::new("kill")
            .args([signal, &self.id().to_string()])
            .status()
            .unwrap();
        assert!(sent.success());
    }

    /// Its process id, until it has been seen to end.
    pub(crate) fn id(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// SIGKILL.
    pub(crate) async fn kill(mut self) -> Finished {
        self.child.start_kill().unwrap();
        self.finish().await
    }

    /// Waits until it has ended by itself, and not by a panic.
    pub(crate) async fn finish(&mut self) -> Finished {
        let finished = self.finish_somehow().await;
        assert!(!finished.stderr.contains("panicked"), "{finished:?}");
        finished
    }

    /// Waits until a panic has brought it down.
    pub(crate) async fn finish_panicking(&mut self) -> Finished {
        let finished = self.finish_somehow().await;
        assert!(finished.stderr.contains("panicked at"), "{finished:?}");
        assert_eq!(finished.code(), 1, "{finished:?}");
        finished
    }

    async fn finish_somehow(&mut self) -> Finished {
        let status = in_time("the end of confirmd", self.child.wait()).await.unwrap();
        let mut stdout = String::new();
        if let Some(mut pipe) = self.child.stdout.take() {
            pipe.read_to_string(&mut stdout).await.unwrap();
        }
        let reader = std::mem::replace(&mut self.reader, tokio::spawn(async {}));
        in_time("its last words", reader).await.unwrap();
        let stderr = self.said();
        Finished {
            status,
            stdout,
            stderr,
        }
    }
}
