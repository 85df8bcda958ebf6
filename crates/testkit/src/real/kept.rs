//! What is fetched or built once on a machine, and kept.

use std::fs::{self, File};
use std::io;
use std::path::PathBuf;
use std::process::Output;

use super::cache_folder;
use super::folder::Folder;

/// The path of what is kept as `name`. If it is not there, `make` makes it in a folder that goes afterwards, and says where;
/// other test processes wait meanwhile. An error says what a person can do.
pub(super) fn kept(
    name: &str,
    make: impl FnOnce(&Folder) -> Result<PathBuf, String>,
) -> Result<PathBuf, String> {
    let cache = cache_folder().map_err(|error| unwritable(&error))?;
    let kept = cache.join(name);
    // Released when the file is closed, and so at the latest by our death.
    let lock = File::create(cache.join(format!("{name}.lock"))).map_err(|error| unwritable(&error))?;
    lock.lock().map_err(|error| unwritable(&error))?;
    // It gets its name when it is complete, so that being there is enough.
    if !kept.exists() {
        let partial = Folder::create(&cache, "partial").map_err(|error| unwritable(&error))?;
        let made = make(&partial)?;
        fs::rename(made, &kept).map_err(|error| unwritable(&error))?;
    }
    Ok(kept)
}

pub(super) fn unwritable(error: &io::Error) -> String {
    format!("make the cache folder of the tests writable ({error})")
}

/// Whether a command of `tool` went well; if not, `purpose` with the first line of its stderr that `tells` likes.
pub(super) fn went_well(
    ran: io::Result<Output>,
    purpose: &str,
    tells: impl Fn(&str) -> bool,
) -> Result<(), String> {
    let ran = ran.map_err(|error| format!("{purpose} ({error})"))?;
    if ran.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&ran.stderr);
    let first = said.lines().find(|line| tells(line));
    Err(format!("{purpose} ({})", first.unwrap_or("it does not say why")))
}
