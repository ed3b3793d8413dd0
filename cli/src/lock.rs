//! One run at a time writes into a folder: two would mix their records, or replace each other's report.
//! Who takes a folder finds it without the unfinished files of runs that were killed.

use std::fs::{File, TryLockError};
use std::path::Path;

use super::{CliError, interrupt};

/// Holds a folder until it is dropped or the process ends, however it ends.
pub(super) struct FolderLock {
    file: Option<File>,
}

impl FolderLock {
    /// Takes a folder. One that is not there yet is nobody's, nor is one that the system has no locks for.
    ///
    /// # Errors
    /// [`CliError::BusyFolder`] where another run holds it.
    pub(super) fn take(folder: &Path) -> Result<Self, CliError> {
        let Ok(file) = open(folder) else { return Ok(Self { file: None }) };
        let file = match file.try_lock() {
            Ok(()) => Some(file),
            Err(TryLockError::WouldBlock) => return Err(CliError::BusyFolder { folder: folder.into() }),
            Err(TryLockError::Error(_)) => None,
        };
        interrupt::remove_stale(&[folder.into()]);
        Ok(Self { file })
    }

    /// Takes the folder that has been made since.
    ///
    /// # Errors
    /// As [`FolderLock::take`].
    pub(super) fn retake(self, folder: &Path) -> Result<Self, CliError> {
        if self.file.is_some() { Ok(self) } else { Self::take(folder) }
    }
}

/// The folder itself.
#[cfg(unix)]
fn open(folder: &Path) -> std::io::Result<File> {
    File::open(folder)
}

/// A file of its own, as folders cannot be opened.
#[cfg(not(unix))]
fn open(folder: &Path) -> std::io::Result<File> {
    File::options().write(true).create(true).truncate(false).open(folder.join(".agf.lock"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_held_by_one_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let first = FolderLock::take(folder.path()).unwrap();
        assert!(matches!(FolderLock::take(folder.path()), Err(CliError::BusyFolder { .. })));
        let first = first.retake(folder.path()).unwrap();
        drop(first);
        let missing = FolderLock::take(&folder.path().join("new")).unwrap();
        let second = missing.retake(folder.path()).unwrap();
        assert!(FolderLock::take(folder.path()).is_err());
        drop(second);
    }
}
