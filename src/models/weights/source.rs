//! Where the bytes of a file are: on disk or in memory.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

/// The bytes of a file, of a length that is known.
pub(super) enum Source<'a> {
    /// On disk.
    File(File, u64),
    /// In memory.
    Bytes(&'a [u8]),
}

impl<'a> Source<'a> {
    /// Opens a regular file.
    pub fn open(path: &Path) -> io::Result<Self> {
        // To open a pipe would wait for its other end.
        if !path.metadata()?.is_file() {
            return Err(io::Error::other("it is no regular file"));
        }
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        Ok(Self::File(file, length))
    }

    /// Number of bytes.
    pub fn len(&self) -> u64 {
        match self {
            Self::File(_, length) => *length,
            Self::Bytes(bytes) => bytes.len() as u64,
        }
    }

    /// Some of its bytes.
    ///
    /// # Errors
    /// The system's; of kind `UnexpectedEof` where there are fewer.
    pub fn read(&self, start: u64, count: usize) -> io::Result<Cow<'a, [u8]>> {
        let ended = || io::Error::new(io::ErrorKind::UnexpectedEof, "it ends before the bytes that are wanted");
        match self {
            Self::Bytes(bytes) => {
                let start = usize::try_from(start).map_err(|_| ended())?;
                let end = start.checked_add(count).ok_or_else(ended)?;
                bytes.get(start..end).map(Cow::Borrowed).ok_or_else(ended)
            }
            Self::File(..) => {
                let mut bytes = Vec::new();
                bytes.try_reserve_exact(count).map_err(io::Error::other)?;
                self.stream(start)?.take(count as u64).read_to_end(&mut bytes)?;
                if bytes.len() == count { Ok(Cow::Owned(bytes)) } else { Err(ended()) }
            }
        }
    }

    /// Its bytes from `start` on, one by one.
    pub fn stream(&self, start: u64) -> io::Result<Box<dyn Read + '_>> {
        Ok(match self {
            Self::Bytes(bytes) => {
                let rest = usize::try_from(start).ok().and_then(|start| bytes.get(start..));
                Box::new(rest.unwrap_or_default())
            }
            Self::File(file, _) => {
                let mut file = file;
                file.seek(SeekFrom::Start(start))?;
                Box::new(BufReader::new(file))
            }
        })
    }
}
