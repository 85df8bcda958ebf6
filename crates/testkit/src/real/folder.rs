//! A temporary folder that goes when the last process that uses it is gone, however that one died.
//!
//! ```text
//!   test process ──┐ each holds the write end of one pipe
//!   initdb, java ──┼────────────► /bin/sh: read until the end; rm -rf folder
//!   their guards ──┘
//! ```

use std::fs::{self, Permissions};
use std::io::{self, PipeWriter};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::unique;

/// A browser that was killed has children that write for a moment longer, and make their folders again.
const CLEAN_UP: &str = r#"
    cat >/dev/null
    cd /
    for _ in 1 2 3 4 5 6 7 8 9; do
        rm -rf "$1" 2>/dev/null
        sleep 1
        [ -e "$1" ] || exit 0
    done
    rm -rf "$1"
"#;

/// A user to run a server as.
#[derive(Clone, Copy)]
pub(super) struct User {
    uid: u32,
    gid: u32,
}

impl User {
    /// The user without rights, as every Unix has one.
    fn nobody() -> Self {
        let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
        let ids = users.lines().find_map(|line| {
            let mut fields = line.strip_prefix("nobody:")?.split(':').skip(1);
            Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
        });
        let (uid, gid) = ids.unwrap_or((65534, 65534));
        Self { uid, gid }
    }
}

pub(super) struct Folder {
    path: PathBuf,
    owner: Option<User>,
    /// Present until drop.
    hold: Option<PipeWriter>,
    guard: Child,
}

impl Folder {
    pub(super) fn create(parent: &Path, prefix: &str) -> io::Result<Self> {
        let path = parent.join(unique(prefix));
        fs::create_dir(&path)?;
        let (reader, hold) = io::pipe()?;
        // It reads to the end, not a line: shells write to what they take for their stderr.
        //
        // Its own process group: Ctrl-C ends the tests, not those who clean up after them. It keeps our stderr, so
        // whoever reads that to its end knows that everything is gone.
        let guard = Command::new("/bin/sh")
            .args(["-c", CLEAN_UP, "folder-guard"])
            .arg(&path)
            .stdin(reader)
            .stdout(Stdio::null())
            .process_group(0)
            .spawn()?;
        Ok(Self {
            path,
            owner: None,
            hold: Some(hold),
            guard,
        })
    }

    /// For servers that refuse to run as root: if we are root, the folder becomes `nobody`'s, and so does what
    /// [`Folder::command`] runs.
    pub(super) fn not_as_root(mut self) -> io::Result<Self> {
        // Whose the folder is that we have just made tells who we are.
        if fs::metadata(&self.path)?.uid() == 0 {
            let nobody = User::nobody();
            chown(&self.path, Some(nobody.uid), Some(nobody.gid))?;
            self.owner = Some(nobody);
        }
        Ok(self)
    }

    /// Nobody else may read or write this file.
    pub(super) fn keep_for_its_owner(&self, file: &Path) -> io::Result<()> {
        fs::set_permissions(file, Permissions::from_mode(0o600))?;
        match self.owner {
            Some(User { uid, gid }) => chown(file, Some(uid), Some(gid)),
            None => Ok(()),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What keeps the folder in place: to be handed to every process that works in it.
    pub(super) fn hold(&self) -> io::Result<PipeWriter> {
        self.hold.as_ref().expect("taken in drop only").try_clone()
    }

    /// A command that works in the folder, as its owner, and keeps it in place through its stdin (which it must not read).
    pub(super) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> io::Result<Command> {
        let mut command = Command::new(program);
        command
            .current_dir(&self.path)
            .stdin(self.hold()?)
            .process_group(0);
        if let Some(User { uid, gid }) = self.owner {
            command.uid(uid).gid(gid);
        }
        Ok(command)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        self.hold = None;
        // The guard says on stderr what it could not remove.
        let _ = self.guard.wait();
    }
}
