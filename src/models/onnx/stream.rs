//! The bytes of a file as protobuf takes them: small ones through a buffer, a tensor's straight into memory of its own.
//! So the file is never in memory as a whole beside what is made of it.

use prost::bytes::{Buf, Bytes};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Bytes that are read at once.
const AHEAD: usize = 1 << 16;

/// The rest of a file of known length.
pub(super) struct FileBytes {
    file: File,
    /// Bytes of the file that were not read yet.
    unread: u64,
    ahead: Vec<u8>,
    /// How many of those were taken.
    taken: usize,
    /// Why reading ended early; then nothing remains.
    failure: Option<io::Error>,
}

impl FileBytes {
    /// Opens a regular file.
    pub fn open(path: &Path) -> io::Result<Self> {
        // To open a pipe would wait for its other end.
        if !path.metadata()?.is_file() {
            return Err(io::Error::other("it is no regular file"));
        }
        let file = File::open(path)?;
        let unread = file.metadata()?.len();
        let mut bytes = Self { file, unread, ahead: Vec::new(), taken: 0, failure: None };
        bytes.refill();
        Ok(bytes)
    }

    /// Why reading ended before the file did; `None` where it did not.
    pub fn failure(self) -> Option<io::Error> {
        self.failure
    }

    fn refill(&mut self) {
        let mut ahead = std::mem::take(&mut self.ahead);
        ahead.clear();
        self.taken = 0;
        self.read(&mut ahead, AHEAD.min(usize::try_from(self.unread).unwrap_or(AHEAD)));
        self.ahead = ahead;
    }

    /// Appends the file's next `count` bytes, or zeros once reading has failed.
    fn read(&mut self, to: &mut Vec<u8>, count: usize) {
        let end = to.len() + count;
        let read = (&mut self.file).take(count as u64).read_to_end(to);
        self.unread -= count as u64;
        let failure = match read {
            Ok(_) if to.len() == end => return,
            Ok(_) => io::Error::new(io::ErrorKind::UnexpectedEof, "it became shorter while it was read"),
            Err(error) => error,
        };
        to.resize(end, 0);
        self.unread = 0;
        self.failure.get_or_insert(failure);
    }
}

impl Buf for FileBytes {
    fn remaining(&self) -> usize {
        usize::try_from(self.unread).unwrap_or(usize::MAX).saturating_add(self.chunk().len())
    }

    fn chunk(&self) -> &[u8] {
        self.ahead.get(self.taken..).unwrap_or_default()
    }

    fn advance(&mut self, count: usize) {
        let mut left = count;
        while left > 0 && self.remaining() > 0 {
            let step = left.min(self.chunk().len());
            self.taken += step;
            left -= step;
            if self.chunk().is_empty() {
                self.refill();
            }
        }
    }

    fn copy_to_bytes(&mut self, count: usize) -> Bytes {
        let mut bytes = Vec::with_capacity(count);
        let from_ahead = count.min(self.chunk().len());
        bytes.extend_from_slice(&self.chunk()[..from_ahead]);
        self.taken += from_ahead;
        let from_file = (count - from_ahead).min(usize::try_from(self.unread).unwrap_or(usize::MAX));
        self.read(&mut bytes, from_file);
        if self.chunk().is_empty() {
            self.refill();
        }
        bytes.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_any_size_are_the_files_bytes() {
        let all: Vec<u8> = (0..AHEAD * 3 + 100).map(|index| (index * 7 % 251) as u8).collect();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bytes");
        std::fs::write(&path, &all).unwrap();
        let mut bytes = FileBytes::open(&path).unwrap();
        let mut found = Vec::new();
        for (index, size) in [1, 0, AHEAD, 10, AHEAD + 1, 5, AHEAD - 1].into_iter().enumerate() {
            assert_eq!(bytes.remaining(), all.len() - found.len());
            assert_eq!(bytes.chunk().is_empty(), !bytes.has_remaining());
            match index % 2 {
                0 => found.extend_from_slice(&bytes.copy_to_bytes(size)),
                _ => {
                    let mut piece = vec![0; size];
                    bytes.copy_to_slice(&mut piece);
                    found.extend_from_slice(&piece);
                }
            }
        }
        found.extend_from_slice(&bytes.copy_to_bytes(bytes.remaining()));
        assert!(found == all);
        assert!(!bytes.has_remaining() && bytes.failure().is_none());
    }

    #[test]
    fn a_file_that_shrinks_is_a_failure() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bytes");
        std::fs::write(&path, vec![1; AHEAD * 4]).unwrap();
        let mut bytes = FileBytes::open(&path).unwrap();
        File::options().write(true).open(&path).unwrap().set_len(AHEAD as u64 * 2).unwrap();
        assert_eq!(bytes.copy_to_bytes(AHEAD * 3).len(), AHEAD * 3);
        assert!(!bytes.has_remaining());
        assert_eq!(bytes.failure().unwrap().kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn a_folder_is_no_file() {
        assert!(FileBytes::open(Path::new("/")).is_err());
    }
}
