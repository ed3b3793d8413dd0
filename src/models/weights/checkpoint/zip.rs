//! The directory of a zip archive whose entries are stored as they are, also of one beyond 4 GB (zip64).

use std::collections::HashMap;

use super::CheckpointError;
use crate::models::weights::source::Source;

/// Bytes of the record at the end, without its comment.
const END_BYTES: usize = 22;
/// Longest comment behind that record.
const COMMENT_BYTES: usize = 1 << 16;
/// Largest directory that is read, in bytes.
const MOST_DIRECTORY: u64 = 1 << 26;
/// A 32-bit number that stands for one of 64 bits elsewhere.
const ELSEWHERE: u64 = 0xFFFF_FFFF;

/// Where an entry's data is in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Offset of the header before the data, in bytes.
    header: u64,
    pub length: u64,
    is_stored: bool,
}

/// The entries of an archive by name.
pub(super) struct Archive {
    entries: HashMap<String, Entry>,
}

impl Archive {
    pub fn open(source: &Source) -> Result<Self, CheckpointError> {
        let (start, length) = directory(source)?;
        if length > MOST_DIRECTORY {
            return Err(CheckpointError::TooMuch { what: "bytes of a zip directory", most: MOST_DIRECTORY });
        }
        let bytes = source.read(start, length as usize)?;
        let mut entries = HashMap::new();
        let mut rest = Fields(&bytes);
        while !rest.0.is_empty() {
            let (name, entry) = rest.entry()?;
            if entries.insert(name.clone(), entry).is_some() {
                return Err(CheckpointError::damaged(format!("the zip directory names '{name}' twice")));
            }
        }
        Ok(Self { entries })
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// Offset and length of an entry's data.
    pub fn data(&self, source: &Source, name: &str) -> Result<Option<(u64, u64)>, CheckpointError> {
        let Some(entry) = self.entries.get(name) else { return Ok(None) };
        if !entry.is_stored {
            return Err(CheckpointError::Packed(name.into()));
        }
        let bytes = source.read(entry.header, 30)?;
        let mut header = Fields(&bytes);
        header.expect(*b"PK\x03\x04", "an entry's header")?;
        header.skip(22)?;
        let (name_length, extra_length) = (header.u16()?, header.u16()?);
        let start = entry.header.checked_add(30 + u64::from(name_length) + u64::from(extra_length));
        let inside = start.filter(|start| start.checked_add(entry.length).is_some_and(|end| end <= source.len()));
        let start =
            inside.ok_or_else(|| CheckpointError::damaged(format!("'{name}' goes beyond the end of the file")))?;
        Ok(Some((start, entry.length)))
    }
}

/// Offset and length of the directory.
fn directory(source: &Source) -> Result<(u64, u64), CheckpointError> {
    let length = source.len();
    let tail_length = length.min((END_BYTES + COMMENT_BYTES) as u64);
    let tail_start = length - tail_length;
    let tail = source.read(tail_start, tail_length as usize)?;
    let end = tail.windows(4).rposition(|four| four == b"PK\x05\x06");
    let end = end.ok_or_else(|| CheckpointError::damaged("the zip archive has no end: the file is truncated"))?;
    let mut record = Fields(tail.get(end..).unwrap_or_default());
    record.skip(12)?;
    let (size, start) = (u64::from(record.u32()?), u64::from(record.u32()?));
    let locator = (tail_start + end as u64).checked_sub(20).map(|place| source.read(place, 20)).transpose()?;
    match locator.filter(|bytes| bytes.starts_with(b"PK\x06\x07")) {
        None => Ok((start, size)),
        Some(bytes) => {
            let mut locator = Fields(&bytes);
            locator.skip(8)?;
            let bytes = source.read(locator.u64()?, 56)?;
            let mut record = Fields(&bytes);
            record.expect(*b"PK\x06\x06", "the zip64 record")?;
            record.skip(36)?;
            let (size, start) = (record.u64()?, record.u64()?);
            Ok((start, size))
        }
    }
}

/// Little-endian numbers one behind the other.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], CheckpointError> {
        let (taken, rest) =
            self.0.split_at_checked(count).ok_or_else(|| CheckpointError::damaged("the zip directory is cut off"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const SIZE: usize>(&mut self) -> Result<[u8; SIZE], CheckpointError> {
        self.take(SIZE)?.try_into().map_err(CheckpointError::damaged)
    }

    fn skip(&mut self, count: usize) -> Result<(), CheckpointError> {
        self.take(count).map(|_| ())
    }

    fn u16(&mut self) -> Result<u16, CheckpointError> {
        self.array().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Result<u32, CheckpointError> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, CheckpointError> {
        self.array().map(u64::from_le_bytes)
    }

    fn expect(&mut self, signature: [u8; 4], what: &str) -> Result<(), CheckpointError> {
        let found = self.array()?;
        if found == signature {
            Ok(())
        } else {
            Err(CheckpointError::damaged(format!("{what} is not where it should be")))
        }
    }

    /// An entry of the directory, and its name.
    fn entry(&mut self) -> Result<(String, Entry), CheckpointError> {
        self.expect(*b"PK\x01\x02", "an entry of the zip directory")?;
        self.skip(4)?;
        let (flags, method) = (self.u16()?, self.u16()?);
        self.skip(8)?;
        let (packed, length) = (u64::from(self.u32()?), u64::from(self.u32()?));
        let (name, extra, comment) = (self.u16()?, self.u16()?, self.u16()?);
        self.skip(8)?;
        let header = u64::from(self.u32()?);
        let name = String::from_utf8_lossy(self.take(name.into())?).into_owned();
        let mut extra = Fields(self.take(extra.into())?);
        self.skip(comment.into())?;
        let [length, packed, header] = extra.resolved([length, packed, header])?;
        let is_stored = method == 0 && flags & 1 == 0 && packed == length;
        Ok((name, Entry { header, length, is_stored }))
    }

    /// These numbers, those of 64 bits from the zip64 field of an entry's extra ones, where they stand in this order.
    fn resolved(&mut self, mut numbers: [u64; 3]) -> Result<[u64; 3], CheckpointError> {
        while self.0.len() >= 4 {
            let (kind, length) = (self.u16()?, self.u16()?);
            let mut field = Fields(self.take(length.into())?);
            if kind == 1 {
                for number in numbers.iter_mut().filter(|number| **number == ELSEWHERE) {
                    *number = field.u64()?;
                }
            }
        }
        Ok(numbers)
    }
}
