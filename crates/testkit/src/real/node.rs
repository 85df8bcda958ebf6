//! Amazon's own SDK for Node.js, as it is published: fetched once with npm and kept.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Output;

use super::folder::Folder;
use super::kept::{kept, went_well};
use super::{missing, program};

/// The version is that of `node/package.json`.
const KEPT_AS: &str = "amazon-pay-sdk-for-node-2.3.4";
/// With the checksum of every package, so that what arrives is what was tried.
const PACKAGES: [(&str, &str); 2] = [
    ("package.json", include_str!("node/package.json")),
    ("package-lock.json", include_str!("node/package-lock.json")),
];

/// What it takes to run a script that uses the SDK.
pub struct NodeWithSdk {
    /// The program `node`.
    pub node: PathBuf,
    /// What `NODE_PATH` takes.
    pub modules: PathBuf,
}

/// Node.js and the official SDK. `None` where something is missing: Node.js, and for the first time on a machine npm
/// and a network.
///
/// # Panics
/// If something is missing and `CI=true`.
pub fn node_with_sdk() -> Option<NodeWithSdk> {
    let Some(node) = program("node", &[]) else {
        return missing("install Node.js (node on PATH), which runs Amazon's SDK");
    };
    match find_or_fetch() {
        Ok(modules) => Some(NodeWithSdk { node, modules }),
        Err(what) => missing(what),
    }
}

fn find_or_fetch() -> Result<PathBuf, String> {
    kept(KEPT_AS, |partial| {
        let Some(npm) = program("npm", &[]) else {
            return Err("install npm (npm on PATH), which fetches Amazon's SDK".to_owned());
        };
        let ran = fetch(&npm, partial);
        went_well(ran, "let npm fetch Amazon's SDK", |line| {
            line.starts_with("npm error ")
        })?;
        Ok(partial.path().join("node_modules"))
    })
}

fn fetch(npm: &Path, partial: &Folder) -> io::Result<Output> {
    for (name, content) in PACKAGES {
        fs::write(partial.path().join(name), content)?;
    }
    partial
        .command(npm)?
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .output()
}
