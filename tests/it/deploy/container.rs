//! The image: what it is built from is there, and with its root file system for a root the program finds all it needs.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;
use testkit::real::missing;

use crate::tidy::root;

/// What may be asked of the machine's loader, and why it is always there. Anything else is a decision to take on purpose.
const LIBRARIES: [(&str, &str); 4] = [
    ("libc.so.6", "the C library"),
    ("libm.so.6", "the C library's mathematics"),
    ("libgcc_s.so.1", "unwinds the stack of a panic"),
    ("ld-linux-", "the loader itself, named by the machine"),
];

/// In the image they are part of the program; `OPENSSL_NO_VENDOR` leaves them to the machine, here and nowhere else.
const NOT_VENDORED: [&str; 2] = ["libssl.so.3", "libcrypto.so.3"];

fn dockerfile() -> String {
    std::fs::read_to_string(root().join("deploy/container/Dockerfile")).unwrap()
}

/// Each instruction of the Dockerfile, on one line.
fn instructions() -> Vec<String> {
    let text = dockerfile().replace("\\\n", "");
    let lines = text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(str::to_owned).collect()
}

/// What the build takes from the repository.
fn copied() -> Vec<String> {
    let instructions = instructions();
    let copies = instructions.iter().filter_map(|line| line.strip_prefix("COPY "));
    copies
        .filter(|copy| !copy.starts_with("--from"))
        .flat_map(|copy| {
            let mut words: Vec<&str> = copy.split_whitespace().collect();
            words.pop();
            words.into_iter().map(str::to_owned).collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn the_image_is_built_from_what_is_there() {
    let ignore = std::fs::read_to_string(root().join(".dockerignore")).unwrap();
    let let_through: BTreeSet<String> = ignore
        .lines()
        .filter_map(|line| line.strip_prefix('!'))
        .map(str::to_owned)
        .collect();
    let copied = copied();
    for path in &copied {
        assert!(root().join(path).exists(), "{path} is copied");
    }
    let copied: BTreeSet<String> = copied.into_iter().collect();
    assert_eq!(copied, let_through, "left: Dockerfile; right: .dockerignore");
}

#[test]
fn cargo_finds_the_whole_workspace_in_what_the_image_is_built_from() {
    let folder = tempfile::tempdir().unwrap();
    for path in copied().iter().filter(|path| !path.contains('/')) {
        std::os::unix::fs::symlink(root().join(path), folder.path().join(path)).unwrap();
    }
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--offline", "--locked", "--format-version=1"])
        .current_dir(folder.path())
        .stdout(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

#[test]
fn the_image_is_built_with_the_repositorys_rust_and_runs_as_nobody_by_number() {
    let toolchain: toml::Table = std::fs::read_to_string(root().join("rust-toolchain.toml"))
        .unwrap()
        .parse()
        .unwrap();
    let rust = toolchain["toolchain"]["channel"].as_str().unwrap();
    let instructions = instructions();
    let has = |line: &str| {
        assert!(
            instructions.iter().any(|instruction| instruction == line),
            "{line}"
        );
    };
    has(&format!("FROM rust:{rust}-bookworm AS build"));
    has("FROM scratch");
    has("USER 65532:65532");
    // Without a shell in between, which is not there: signals reach the program.
    has(r#"ENTRYPOINT ["/confirmd"]"#);
}

/// The image's root file system with the program under test in it.
fn image() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let laid_out = Command::new(root().join("deploy/container/root-file-system"))
        .arg(env!("CARGO_BIN_EXE_confirmd-under-test"))
        .arg(folder.path())
        .status()
        .unwrap();
    assert!(laid_out.success());
    folder
}

fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path.file_name().unwrap().to_string_lossy().into_owned());
        }
    }
    found
}

/// The program as the image runs it: that root, no rights. `None` where this machine lets nobody do so.
fn in_image(image: &Path, arguments: &[&str]) -> Option<Command> {
    let folder = image.display().to_string();
    let entered: [&[&str]; 2] = [
        &["chroot", "--userspec=65532:65532", &folder],
        &["unshare", "--user", "--map-current-user", "--root", &folder],
    ];
    // Whose the folder is that we have just made tells who we are.
    let entered = entered[usize::from(std::fs::metadata(image).unwrap().uid() != 0)];
    let tried = Command::new(entered[0])
        .args(&entered[1..])
        .args(["/confirmd", "--version"])
        .output();
    let said = match tried {
        Ok(output) if output.status.success() => {
            let mut command = Command::new(entered[0]);
            command.args(&entered[1..]).arg("/confirmd").args(arguments);
            // No setting of confirmd's comes from here.
            command
                .env_clear()
                .envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
            return Some(command);
        }
        Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
        Err(error) => error.to_string(),
    };
    // The program is there: it is a failure to be told of, unless nobody may enter.
    assert!(
        said.contains("Operation not permitted") || said.contains("os error 2"),
        "{said}"
    );
    missing(format!(
        "run the tests as root, or allow user namespaces, to try the image ({said})"
    ))
}

#[test]
fn the_program_asks_for_no_library_but_those_that_are_always_there() {
    if !cfg!(target_os = "linux") {
        return;
    }
    let image = image();
    let mut allowed: Vec<&str> = LIBRARIES.iter().map(|(name, _)| *name).collect();
    if std::env::var_os("OPENSSL_NO_VENDOR").is_some() {
        allowed.extend(NOT_VENDORED);
    }
    let files = files(image.path());
    let libraries: Vec<&String> = files.iter().filter(|name| name.contains(".so")).collect();
    assert!(
        libraries.iter().any(|name| name.as_str() == "libc.so.6"),
        "{files:?}"
    );
    for library in libraries {
        assert!(allowed.iter().any(|name| library.starts_with(name)), "{library}");
    }
}

#[test]
fn with_the_images_files_and_no_rights_the_program_serves_migrates_and_checks() {
    if !cfg!(target_os = "linux") {
        return;
    }
    let image = image();
    let keys = "/var/lib/confirmd/sandbox";
    let Some(mut sandbox) = in_image(
        image.path(),
        &["sandbox", "--listen", "127.0.0.1:0", "--tls-dir", keys],
    ) else {
        return;
    };
    let mut sandbox = sandbox.stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    let read = BufReader::new(sandbox.stdout.take().unwrap()).read_line(&mut line);
    sandbox.kill().unwrap();
    sandbox.wait().unwrap();
    read.unwrap();
    let said: Value = serde_json::from_str(&line).unwrap();
    let eu_shop = &said["merchants"][0];

    let text = format!(
        "[store]\nurl = \"sqlite:///var/lib/confirmd/log.db\"\n[accounts.eu_shop]\nregion = \"eu\"\n\
         public_key_id = {}\nprivate_key_file = {}\n",
        eu_shop["publicKeyId"], eu_shop["privateKeyFile"]
    );
    std::fs::write(image.path().join("etc/confirmd/confirmd.toml"), text).unwrap();
    // `check` sets up TLS for each account, with the authorities that are found.
    let config = ["--config", "/etc/confirmd/confirmd.toml"];
    for command in ["check", "migrate"] {
        let mut command = in_image(image.path(), &[&config[..], &[command]].concat()).unwrap();
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
    assert!(image.path().join("var/lib/confirmd/log.db").is_file());
}
