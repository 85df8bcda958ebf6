//! Kubernetes' own schemas, with a program that holds resources against them: fetched once with pip and kept.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::kept::{kept, unwritable, went_well};
use super::{missing, program};

/// The version is that of `kubernetes/requirements.txt`, which pins everything.
const KEPT_AS: &str = "kubernetes-validate-1.37.0";
const REQUIREMENTS: &str = include_str!("kubernetes/requirements.txt");

/// A program that holds resources against Kubernetes' schemas.
pub struct KubernetesValidate {
    python: PathBuf,
    packages: PathBuf,
}

impl KubernetesValidate {
    /// Holds every resource in `files` (YAML or JSON) against the schemas of one version of Kubernetes, such as `1.31`; fields that
    /// it does not know are wrong. What is printed says what is wrong.
    pub fn command(&self, version: &str, files: &[PathBuf]) -> Command {
        let mut command = Command::new(&self.python);
        command
            .args([
                "-m",
                "kubernetes_validate",
                "--strict",
                "--kubernetes-version",
                version,
            ])
            .args(files)
            .env("PYTHONPATH", &self.packages)
            .env("PYTHONDONTWRITEBYTECODE", "1");
        command
    }
}

/// The program. `None` where something is missing: Python, and for the first time on a machine its `venv` and a network.
///
/// # Panics
/// If something is missing and `CI=true`.
pub fn kubernetes_validate() -> Option<KubernetesValidate> {
    let Some(python) = program("python3", &[]) else {
        return missing(
            "install Python (python3 on PATH), which holds the chart against Kubernetes' schemas",
        );
    };
    match find_or_fetch(&python) {
        Ok(packages) => Some(KubernetesValidate { python, packages }),
        Err(what) => missing(what),
    }
}

fn find_or_fetch(python: &Path) -> Result<PathBuf, String> {
    // Some packages are compiled for one version of Python.
    let tag = "import sys; print(sys.implementation.cache_tag, end='')";
    let tag = Command::new(python).args(["-c", tag]).output();
    let tag = tag.map_err(|error| format!("let Python run ({error})"))?.stdout;
    let tag = String::from_utf8_lossy(&tag).into_owned();
    kept(&format!("{KEPT_AS}-{tag}"), |partial| {
        let environment = partial.path().join("environment");
        let ran = partial.command(python).and_then(|mut python| {
            let venv = python.args(["-m", "venv"]).arg(&environment);
            venv.output()
        });
        went_well(
            ran,
            "install Python's venv (Debian: package `python3-venv`)",
            |line| !line.is_empty(),
        )?;
        let requirements = partial.path().join("requirements.txt");
        fs::write(&requirements, REQUIREMENTS).map_err(|error| unwritable(&error))?;
        let packages = partial.path().join("packages");
        let ran = partial.command(environment.join("bin/pip")).and_then(|mut pip| {
            pip.args([
                "install",
                "--quiet",
                "--no-deps",
                "--only-binary=:all:",
                "--disable-pip-version-check",
            ])
            .arg("--target")
            .arg(&packages)
            .arg("--requirement")
            .arg(&requirements)
            .output()
        });
        went_well(ran, "let pip fetch Kubernetes' schemas", |line| {
            line.starts_with("ERROR")
        })?;
        Ok(packages)
    })
}
