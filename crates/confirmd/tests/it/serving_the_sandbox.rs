//! `confirmd sandbox`.

use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::Command;

use crate::support::in_time;

#[tokio::test(flavor = "multi_thread")]
async fn the_first_line_of_the_sandbox_can_be_read_from_anywhere() {
    let folder = tempfile::tempdir().unwrap();
    let mut sandbox = Command::new(env!("CARGO_BIN_EXE_confirmd"))
        .args([
            "sandbox",
            "--listen",
            "127.0.0.1:0",
            "--control-listen",
            "127.0.0.1:0",
        ])
        .args(["--tls-dir", "tls"])
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(sandbox.stdout.take().unwrap()).lines();
    let line = in_time("its first line", lines.next_line())
        .await
        .unwrap()
        .unwrap();
    let said: Value = serde_json::from_str(&line).unwrap();
    let files = said["merchants"].as_array().unwrap().iter();
    let files = files
        .map(|merchant| &merchant["privateKeyFile"])
        .chain([&said["ca_file"]]);
    for file in files {
        let file = Path::new(file.as_str().unwrap());
        assert!(file.is_absolute() && file.is_file(), "{}", file.display());
    }
    let control = said["control_url"].as_str().unwrap();
    let control = control.strip_prefix("http://").unwrap();
    assert!(control.starts_with("127.0.0.1:"), "{control}");
    let help = Command::new(env!("CARGO_BIN_EXE_confirmd"))
        .args(["sandbox", "--help"])
        .output();
    let help = String::from_utf8(help.await.unwrap().stdout).unwrap();
    assert!(
        help.contains("control_url") && help.contains("--control-listen"),
        "{help}"
    );
    // Whoever has the program alone finds every call in its help, and none that there is not.
    let calls: Vec<(&str, &str)> = help
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            let method = words.next().filter(|word| ["GET", "POST"].contains(word))?;
            Some((method, words.next().filter(|word| word.starts_with('/'))?))
        })
        .collect();
    assert!(calls.len() > 10, "{help}");
    for (method, path) in calls.into_iter().filter(|(_, path)| !path.contains("ID")) {
        let status = in_time(path, status_of(control, method, path)).await;
        assert!(
            ![404, 405].contains(&status) || path.contains("ACCOUNT"),
            "{method} {path}: {status}"
        );
    }
}

async fn status_of(address: &str, method: &str, path: &str) -> u16 {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n\
         content-length: 0\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.split_whitespace().nth(1).unwrap().parse().unwrap()
}
