//! Just enough of two protocols to hear that a server answers.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::process::Command;

/// Asks the broker for its API versions. `Ok` holds whether it gave the very answer to this question.
pub(crate) fn kafka_answers(bootstrap: &str) -> io::Result<bool> {
    const CORRELATION: [u8; 4] = *b"conf";
    let mut request = Vec::new();
    request.extend(18_i16.to_be_bytes()); // ApiVersions
    request.extend(0_i16.to_be_bytes()); // in its first version
    request.extend(CORRELATION);
    request.extend((-1_i16).to_be_bytes()); // no client id
    let mut broker = TcpStream::connect(bootstrap)?;
    broker.write_all(&(request.len() as i32).to_be_bytes())?;
    broker.write_all(&request)?;
    let mut answer = [0; 10];
    broker.read_exact(&mut answer)?;
    let [_, _, _, _, correlation @ .., error_high, error_low] = answer;
    Ok(correlation == CORRELATION && (error_high, error_low) == (0, 0))
}

/// Runs one statement, and returns what it printed.
pub(crate) fn psql(url: &str, statement: &str) -> String {
    let output = Command::new("psql")
        .args(["-X", "-A", "-t", "-q", "-d", url, "-c", statement])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
