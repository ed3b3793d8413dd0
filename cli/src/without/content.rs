//! What is in a file, as a number, so that equal pictures are known whatever they are called.

use std::fs;
use std::io;
use std::path::Path;

use agf::models::fnv1a;

/// Length and hash of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Content {
    pub(super) length: u64,
    pub(super) hash: u64,
}

impl Content {
    /// Reads a whole file.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        Ok(Self::of_bytes(&fs::read(path)?))
    }

    pub(super) fn of_bytes(bytes: &[u8]) -> Self {
        Self { length: bytes.len() as u64, hash: fnv1a(bytes) }
    }
}
