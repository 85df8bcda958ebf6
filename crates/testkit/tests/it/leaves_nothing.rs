//! However a test process ends, nothing of it stays: no server, no guard, no folder.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use testkit::real::{self, PostgresServer};

/// Cleaning up takes a fraction of a second.
const GONE_WITHIN: Duration = Duration::from_secs(60);
const SIGKILL: i32 = 9;

#[test]
fn servers_and_folders_of_a_killed_test_process_are_gone() {
    let folder = tempfile::tempdir().unwrap();
    // The server's user has to get in, too.
    fs::set_permissions(folder.path(), Permissions::from_mode(0o1777)).unwrap();
    let place = folder.path().to_str().unwrap();
    let mut process = Command::new(std::env::current_exe().unwrap())
        .args([
            "--ignored",
            "--exact",
            "leaves_nothing::a_test_process_with_servers",
            "--nocapture",
        ])
        .env("TMPDIR", place)
        .env_remove("DATABASE_URL")
        .env_remove("KAFKA_BROKERS")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut errors = BufReader::new(process.stderr.take().unwrap());
    if !said_that_all_is_up(&mut errors) {
        // What is missing for it is missing for the other tests too, and they have said so.
        assert!(process.wait().unwrap().success());
        return;
    }
    assert_eq!(entries(place), 3, "two PostgreSQL, one Kafka");
    assert!(!processes_in(place).is_empty());

    kill(&mut process);
    wait_for_the_end_of(errors);

    assert_eq!(entries(place), 0);
    assert_eq!(processes_in(place), Vec::<String>::new());
}

#[test]
#[ignore = "not a test of its own: another one runs it in a process to be killed"]
fn a_test_process_with_servers() {
    let (Some(_), Some(_)) = (real::postgres(), real::kafka()) else {
        return;
    };
    // A server that does not run at the time leaves a folder too.
    let mut stopped = PostgresServer::start_new().unwrap();
    stopped.stop();
    writeln!(std::io::stderr(), "all is up").unwrap();
    // Until we are killed: the one who started us keeps our stdin open and says nothing.
    let _ = std::io::stdin().read(&mut [0]);
}

fn said_that_all_is_up(errors: &mut impl BufRead) -> bool {
    errors.lines().map(Result::unwrap).any(|line| line == "all is up")
}

fn kill(process: &mut Child) {
    process.kill().unwrap();
    assert_eq!(process.wait().unwrap().signal(), Some(SIGKILL));
}

/// Those who clean up keep the stderr that they were started with, so its end is theirs.
fn wait_for_the_end_of(mut errors: impl Read + Send + 'static) {
    let (tell, ended) = channel();
    thread::spawn(move || {
        let mut last_words = String::new();
        errors.read_to_string(&mut last_words).unwrap();
        tell.send(last_words)
    });
    assert_eq!(
        ended.recv_timeout(GONE_WITHIN).as_deref(),
        Ok(""),
        "cleaning up ends, and has nothing to say"
    );
}

fn entries(folder: &str) -> usize {
    fs::read_dir(folder).unwrap().count()
}

/// The command lines of all processes that name `folder`, where the system shows them.
fn processes_in(folder: &str) -> Vec<String> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter_map(|process| fs::read(process.path().join("cmdline")).ok())
        .map(|command| String::from_utf8_lossy(&command).replace('\0', " "))
        .filter(|command| command.contains(folder))
        .collect()
}
