//! `confirmd sandbox`.

use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
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
    assert!(
        said["control_url"]
            .as_str()
            .unwrap()
            .starts_with("http://127.0.0.1:")
    );
    let help = Command::new(env!("CARGO_BIN_EXE_confirmd"))
        .args(["sandbox", "--help"])
        .output();
    let help = String::from_utf8(help.await.unwrap().stdout).unwrap();
    assert!(
        help.contains("control_url") && help.contains("--control-listen"),
        "{help}"
    );
}
