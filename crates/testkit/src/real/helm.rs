//! Helm, which renders the chart: built once with Go and kept.

use std::path::PathBuf;

use super::kept::{kept, went_well};
use super::{missing, program};

/// The version is pinned, so that what was tried is what is tried.
const KEPT_AS: &str = "helm-3.19.5";
const MODULE: &str = "helm.sh/helm/v3/cmd/helm@v3.19.5";

/// The program `helm`. `None` where something is missing: for the first time on a machine Go and a network.
///
/// # Panics
/// If something is missing and `CI=true`.
pub fn helm() -> Option<PathBuf> {
    build().map_or_else(missing, Some)
}

fn build() -> Result<PathBuf, String> {
    kept(KEPT_AS, |partial| {
        let Some(go) = program("go", &[PathBuf::from("/usr/local/go/bin")]) else {
            return Err("install Go (go on PATH), which builds Helm".to_owned());
        };
        let purpose = "let Go build Helm";
        // Its sources and what it compiles go with the folder; read-only ones would not.
        let command = partial.command(go).map(|mut go| {
            go.args(["install", "-ldflags=-s -w", MODULE])
                .env("GOBIN", partial.path())
                .env("GOPATH", partial.path().join("path"))
                .env("GOMODCACHE", partial.path().join("modules"))
                .env("GOCACHE", partial.path().join("compiled"))
                .env("GOFLAGS", "-modcacherw -trimpath");
            go
        });
        let ran = command.and_then(|mut go| go.output());
        went_well(ran, purpose, |line| !line.starts_with("go: downloading"))?;
        Ok(partial.path().join("helm"))
    })
}
