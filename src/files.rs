//! Files that are either whole or absent: the one way in which the library and its program write.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use tempfile::Builder;

/// How the name of an unfinished file begins, before the id of its process.
pub const UNFINISHED_PREFIX: &str = ".agf-";
/// How the name of an unfinished file ends.
pub const UNFINISHED_SUFFIX: &str = ".part";

/// Lets `content` write a temporary file beside `path`, `.agf-PROCESS-RANDOM.part`, then renames it to `path`.
///
/// # Errors
/// What the system says, or `content`. An older file at `path` stays, and nothing is left beside it.
pub fn write_whole(path: &Path, content: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> io::Result<()> {
    // A rename would replace a device or a pipe by a file.
    if path.metadata().is_ok_and(|target| !target.is_file()) {
        return Err(io::Error::other("the path is not a regular file"));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let prefix = format!("{UNFINISHED_PREFIX}{}-", std::process::id());
    // Opened here and not by tempfile, whose own files are for their owner alone.
    let open = |temporary: &Path| OpenOptions::new().write(true).create_new(true).open(temporary);
    let temporary = Builder::new().prefix(&prefix).suffix(UNFINISHED_SUFFIX).make_in(folder, open)?;
    let (file, temporary) = temporary.into_parts();
    let mut writer = BufWriter::new(file);
    content(&mut writer)?;
    writer.flush()?;
    writer.get_ref().sync_all()?;
    // Windows renames no open file.
    drop(writer);
    temporary.persist(path).map_err(|failed| failed.error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_file_that_fails_leaves_the_older_one_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        write_whole(&path, |file| file.write_all(b"old")).unwrap();
        let failed = write_whole(&path, |file| {
            file.write_all(b"new")?;
            let unfinished = fs::read_dir(folder.path())?.flatten().map(|entry| entry.file_name());
            let prefix = format!("{UNFINISHED_PREFIX}{}-", std::process::id());
            let is_ours = |name: &str| name.starts_with(&prefix) && name.ends_with(UNFINISHED_SUFFIX);
            assert_eq!(unfinished.filter(|name| is_ours(&name.to_string_lossy())).count(), 1);
            Err(io::Error::other("disk full"))
        });
        assert_eq!(failed.unwrap_err().to_string(), "disk full");
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    /// Temporary files are usually for their owner alone; results are not.
    #[cfg(unix)]
    #[test]
    fn files_have_the_usual_permissions() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (ours, usual) = (folder.path().join("ours"), folder.path().join("usual"));
        write_whole(&ours, |_| Ok(())).unwrap();
        fs::write(&usual, b"").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&ours), mode(&usual));
    }
}
