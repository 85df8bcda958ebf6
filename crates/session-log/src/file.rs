//! The file of a SQLite log: made for its owner's eyes only, and claimed by one worker.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::open::OpenError;

/// Whether `path` is a file that is there.
pub(crate) fn require(path: &Path) -> Result<(), OpenError> {
    match path.metadata() {
        Ok(found) if found.is_dir() => Err(unusable(path, ErrorKind::IsADirectory.into())),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let folder = folder_of(path);
            if folder.is_dir() {
                return Err(OpenError::NoFile {
                    path: path.to_owned(),
                });
            }
            Err(OpenError::NoFolder {
                path: path.to_owned(),
                folder,
            })
        }
        Err(error) => Err(unusable(path, error)),
    }
}

/// The same, but that a file that is not there is made. It holds buyers' addresses: nobody but its owner reads it.
/// SQLite gives its `-wal` and `-shm` the same mode.
pub(crate) fn require_or_make(path: &Path) -> Result<(), OpenError> {
    match require(path) {
        Err(OpenError::NoFile { .. }) => {
            let mut made = for_the_owner();
            match made.create_new(true).open(path) {
                // Somebody else was quicker.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
                Err(error) => Err(unusable(path, error)),
                Ok(_) => Ok(()),
            }
        }
        known => known,
    }
}

fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

fn for_the_owner() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options
}

fn unusable(path: &Path, error: std::io::Error) -> OpenError {
    OpenError::NoUsableFile {
        path: path.to_owned(),
        error,
    }
}

/// The right to work the sessions of a log, until it is dropped.
#[derive(Debug)]
pub struct Claim(#[expect(dead_code, reason = "held for its lock")] Option<File>);

impl Claim {
    pub(crate) fn nothing() -> Self {
        Self(None)
    }

    /// Locks the file `….lock` beside the log: SQLite has locks of its own on the log itself. The system gives the
    /// lock back when the process is gone; the file stays, for it says nothing.
    pub(crate) fn of(log: &Path) -> Result<Self, OpenError> {
        // One log has one lock, by whatever way it is reached.
        let log = log.canonicalize().map_err(|error| unusable(log, error))?;
        let mut path = log.clone().into_os_string();
        path.push(".lock");
        let path = PathBuf::from(path);
        let file = for_the_owner()
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|error| unusable(&path, error))?;
        match file.try_lock() {
            Ok(()) => Ok(Self(Some(file))),
            Err(TryLockError::WouldBlock) => Err(OpenError::Held { path: log }),
            Err(TryLockError::Error(error)) => Err(unusable(&path, error)),
        }
    }
}
