//! The shell that somebody types into. What it is told comes by its standard input, so that a shell that is started in it
//! takes over what is typed next, as it does on a terminal.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use testkit::real::Port;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::tidy::root;
use crate::world::{in_time, within_patience};

/// What the documents build is built: `cargo` only hands it out. Two commands are not run as they stand: the tests, of which
/// this is one, and the load, which takes half an hour and only says how to take less.
const CARGO: &str = r#"#!/bin/sh
case "$*" in
    "build --release") mkdir -p target/release && ln -sf CONFIRMD target/release/confirmd ;;
    "run --release -- demo") exec CONFIRMD demo ;;
    "test --workspace") ;;
    "run --release -p scenarios --bin servers -- bash") exec SERVERS bash ;;
    "run --release -p scenarios --bin load") exec LOAD --help ;;
    *) echo "cargo $*: the documents have not said so before" >&2; exit 101 ;;
esac
"#;

/// Said before each block, because a shell in the shell has not heard it. A command that fails is told, and the next one
/// typed all the same.
const BEFORE: &str =
    r#"trap 'printf "@@ failed (%s): %s\n" "$?" "$BASH_COMMAND"' ERR; set -E -o pipefail; exec 2>&1"#;

/// Where the documents have it listen, and where it does here.
struct Moved {
    from: &'static str,
    port: Port,
}

pub(super) struct Shell {
    child: Child,
    typed: Option<ChildStdin>,
    shown: Lines<BufReader<ChildStdout>>,
    moved: [Moved; 2],
    blocks: usize,
    _guard: Guard,
    // Goes last: whoever works in it is gone by then.
    dir: tempfile::TempDir,
}

/// Kills the shell and whoever was started in it at our end, however that comes: it may be waiting for something that never
/// comes, and not read on.
struct Guard(std::process::Child);

impl Guard {
    fn of(shell: u32) -> Self {
        let guard = std::process::Command::new("sh")
            .args([
                "-c",
                r#"cat >/dev/null; kill -s KILL -- "-$0" 2>/dev/null"#,
                &shell.to_string(),
            ])
            .process_group(0)
            .stdin(Stdio::piped())
            .spawn();
        Self(guard.unwrap())
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// What was shown while a block was run.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) text: String,
    /// What failed, with its status: `(3): confirmd check`.
    pub(super) failed: Vec<String>,
}

impl Shown {
    /// Nothing failed.
    pub(super) fn well(self) -> String {
        assert!(self.failed.is_empty(), "{self:#?}");
        self.text
    }
}

impl Shell {
    /// In what looks like a fresh clone.
    pub(super) fn open() -> Self {
        let dir = tempfile::tempdir().unwrap();
        for shared in ["deploy", "docs"] {
            symlink(root().join(shared), dir.path().join(shared)).unwrap();
        }
        let programs = dir.path().join("programs");
        fs::create_dir(&programs).unwrap();
        let cargo = CARGO
            .replace("CONFIRMD", env!("CARGO_BIN_EXE_confirmd-under-test"))
            .replace("SERVERS", env!("CARGO_BIN_EXE_servers"))
            .replace("LOAD", env!("CARGO_BIN_EXE_load"));
        write_program(&programs.join("cargo"), &cargo);
        let moved = ["127.0.0.1:9464", "127.0.0.1:9090"].map(|from| Moved {
            from,
            port: Port::reserve(),
        });
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths([programs].into_iter().chain(std::env::split_paths(&path))).unwrap();
        let mut child = Command::new("bash")
            .args(["--noprofile", "--norc"])
            .current_dir(dir.path())
            .env("PATH", path)
            .env(
                "CONFIRMD_CONSOLE__LISTEN",
                format!("127.0.0.1:{}", moved[0].port.number()),
            )
            .env_remove("CONFIRMD_TEST_CLOCK")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap();
        Self {
            typed: child.stdin.take(),
            shown: BufReader::new(child.stdout.take().unwrap()).lines(),
            _guard: Guard::of(child.id().unwrap()),
            child,
            moved,
            blocks: 0,
            dir,
        }
    }

    /// Writes a file where it works.
    pub(super) fn write(&self, name: &str, text: &str) -> PathBuf {
        let file = self.dir.path().join(name);
        fs::write(&file, self.here(text)).unwrap();
        file
    }

    /// Where that address of the documents is here.
    pub(super) fn here(&self, address: &str) -> String {
        self.moved.iter().fold(address.to_owned(), |text, moved| {
            text.replace(moved.from, &format!("127.0.0.1:{}", moved.port.number()))
        })
    }

    /// Runs a block to its end.
    pub(super) async fn run(&mut self, block: &str) -> Shown {
        let file = self.next_block(block);
        self.type_in(&format!("{BEFORE}\n. '{}'\necho; echo @@ done\n", file.display()))
            .await;
        let mut shown = Shown {
            text: String::new(),
            failed: Vec::new(),
        };
        loop {
            let Some(line) = self.next_line(block).await else {
                panic!("the shell has ended: {block}\n{}", shown.text);
            };
            if line == "@@ done" {
                return shown;
            }
            match line.strip_prefix("@@ failed ") {
                // The block as a whole ends as its last command did.
                Some(failed) if failed.contains(&format!("): . '{}'", file.display())) => {}
                Some(failed) => shown.failed.push(failed.to_owned()),
                None => shown.text.extend([&line, "\n"]),
            }
        }
    }

    /// Runs the last block, after which nobody is there any more.
    pub(super) async fn leave(mut self, block: &str) {
        let file = self.next_block(block);
        self.type_in(&format!(". '{}'\n", file.display())).await;
        drop(self.typed.take());
        in_time(block, self.child.wait()).await.unwrap();
        // Everybody who could write is gone.
        while self.next_line("the end of what is shown").await.is_some() {}
    }

    /// An alert comes after a minute, and what waits for it says nothing meanwhile.
    async fn next_line(&mut self, block: &str) -> Option<String> {
        for _ in 0..3 {
            if let Some(line) = within_patience(self.shown.next_line()).await {
                return line.unwrap();
            }
        }
        panic!("waited in vain for {block}")
    }

    fn next_block(&mut self, text: &str) -> PathBuf {
        self.blocks += 1;
        self.write(&format!("block-{}.sh", self.blocks), text)
    }

    async fn type_in(&mut self, text: &str) {
        self.typed
            .as_mut()
            .unwrap()
            .write_all(text.as_bytes())
            .await
            .unwrap();
    }
}

fn write_program(file: &Path, script: &str) {
    fs::write(file, script).unwrap();
    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
}
