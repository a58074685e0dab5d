//! A file that is read, edited and put back as one step: whoever looks sees the old text or the new one, and what
//! somebody else wrote meanwhile is not lost.

use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, fchown};
use std::path::{Path, PathBuf};

use crate::config::source::Source;
use crate::edit::conflict::what_changed;

/// A file that was read for editing.
#[derive(Clone, Debug)]
pub struct Editing {
    source: Source,
}

/// Why an edited file was not written. The file is as it was.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// Somebody else wrote it in the meantime.
    #[error("{}: was changed by somebody else in the meantime, so nothing is written; look and try again. Changed: {what}", path.display())]
    Changed {
        /// Which file.
        path: PathBuf,
        /// What is different now.
        what: String,
    },
    /// Somebody else is about to.
    #[error("{}: another command is writing it at this moment; look and try again", path.display())]
    Busy {
        /// Which file.
        path: PathBuf,
    },
    /// It is not ours to write.
    #[error("{}: cannot be written: {reason}; with --print-patch the change is printed instead", path.display())]
    Refused {
        /// Which file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

impl Editing {
    /// Reads a file; the error names it. What is no file is refused: a pipe could be read for ever.
    pub fn open(path: &Path) -> io::Result<Self> {
        if fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir()) {
            let said = format!("{}: is not a file", path.display());
            return Err(io::Error::new(io::ErrorKind::InvalidInput, said));
        }
        Ok(Self {
            source: Source::read(path)?,
        })
    }

    /// As it was read.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The same file with another text.
    pub fn edited(&self, text: String) -> Source {
        Source {
            path: self.source.path.clone(),
            text,
        }
    }

    /// Puts `text` in the file's place. `env` is what the file's `${…}` mean, for saying what somebody else changed.
    ///
    /// A program that takes no lock, such as an editor, can still write in the moment between the last look and the
    /// rename; there is no way to shut it out.
    pub fn commit(
        &self,
        text: &str,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<(), WriteError> {
        let path = &self.source.path;
        let refused = |error: io::Error| WriteError::Refused {
            path: path.clone(),
            reason: error.to_string(),
        };
        // The file and not a link to it, which would be replaced by a file.
        let real = fs::canonicalize(path).map_err(refused)?;
        let (held, is_locked) = hold(&real)
            .map_err(refused)?
            .ok_or_else(|| WriteError::Busy { path: path.clone() })?;
        let staged = Staged::new(&real, text, &held, is_locked).map_err(refused)?;
        let now = Self::open(path).map_err(refused)?.source;
        if now.text != self.source.text {
            return Err(WriteError::Changed {
                path: path.clone(),
                what: what_changed(&self.source, &now, env),
            });
        }
        staged.put(&real).map_err(refused)
    }
}

/// Opens the file for writing and locks it, so that two commands do not pass each other; nothing when another one has
/// it. Tells whether it is locked: not every network file system can.
fn hold(real: &Path) -> io::Result<Option<(File, bool)>> {
    let file = OpenOptions::new().read(true).write(true).open(real)?;
    let found = file.metadata()?;
    if !found.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    // The superuser may write everything; a mode that says no is meant all the same.
    let folder = fs::metadata(folder(real))?;
    if found.permissions().readonly() || folder.permissions().readonly() {
        let said = "the file or its folder is read-only";
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, said));
    }
    let is_locked = match file.try_lock() {
        Ok(()) => true,
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(_)) => false,
    };
    // Whoever had the lock before may have put another file in its place.
    let there = fs::metadata(real)?;
    let is_same = (there.dev(), there.ino()) == (found.dev(), found.ino());
    Ok(is_same.then_some((file, is_locked)))
}

fn folder(real: &Path) -> &Path {
    real.parent().unwrap_or_else(|| Path::new("/"))
}

/// The new text under another name in the same folder; removed unless it is put in its place.
struct Staged {
    path: PathBuf,
    is_put: bool,
}

impl Staged {
    fn new(real: &Path, text: &str, held: &File, is_locked: bool) -> io::Result<Self> {
        let name = real.file_name().unwrap_or_default().to_string_lossy();
        // One name for all, so that commands that were killed leave one file and not one each.
        let path = folder(real).join(format!(".{name}.banyan-edit"));
        if is_locked {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        let mut options = OpenOptions::new();
        let file = options.write(true).create_new(true).mode(0o600).open(&path);
        let mut file = file.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => left_over(&path),
            _ => error,
        })?;
        let staged = Self {
            path,
            is_put: false,
        };
        keep_owner(&file, &held.metadata()?)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        Ok(staged)
    }

    fn put(mut self, real: &Path) -> io::Result<()> {
        fs::rename(&self.path, real)?;
        self.is_put = true;
        // The file is in its place; that a power cut cannot undo it is as much as the file system gives.
        let _ = File::open(folder(real)).and_then(|folder| folder.sync_all());
        Ok(())
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.is_put {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn left_over(path: &Path) -> io::Error {
    let shown = path.display();
    io::Error::other(format!(
        "{shown} is there, from another command; remove it if none is running"
    ))
}

/// Owner and group as far as this process may give files away, and the mode.
fn keep_owner(file: &File, like: &Metadata) -> io::Result<()> {
    if fchown(file, Some(like.uid()), Some(like.gid())).is_err() {
        let _ = fchown(file, None, Some(like.gid()));
    }
    file.set_permissions(like.permissions())
}

#[cfg(test)]
mod tests;
