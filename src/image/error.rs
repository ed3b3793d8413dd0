//! The errors of both ends: reading photos and arrays, and writing pictures and maps.

use std::io;
use std::path::PathBuf;

use super::photo::{MAX_DECODED_BYTES, MAX_SIDE};

/// Why a picture, a map or an array could not be read, made or written.
///
/// `name` is the file's path, or what the caller called the bytes.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// The file could not be opened or read.
    #[error("cannot read {}: {source}; check the path and its permissions", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },

    /// The file has no content.
    #[error("{name} is empty (0 bytes); download or copy the file again")]
    Empty {
        /// The file.
        name: String,
    },

    /// The file is the placeholder that git-LFS leaves for a large file.
    #[error("{name} is a git-LFS pointer, not the picture; run `git lfs pull`")]
    LfsPointer {
        /// The file.
        name: String,
    },

    /// The content is no picture of any known format, whatever the file's extension.
    #[error(
        "{name} is not a picture: it starts with \"{start}\"; \
         give a JPEG, PNG, WebP, BMP, TIFF or GIF file"
    )]
    NotAPicture {
        /// The file.
        name: String,
        /// The first bytes, escaped.
        start: String,
    },

    /// A file of a known format, but not one that is read.
    #[error("{name} is {format}, which is not read; convert it to a plain 8 bit RGB JPEG or PNG file")]
    UnreadFormat {
        /// The file.
        name: String,
        /// The format.
        format: String,
    },

    /// A picture that shall hold whole numbers, in a format or with colours that do not keep them.
    #[error("{name} is no mask: {problem}; save it as PNG with grey levels or palette entries")]
    NoLabels {
        /// The file.
        name: String,
        /// What stands in the way.
        problem: String,
    },

    /// A picture whose decoder lacks something that it needs.
    #[error("{name} cannot be decoded: {detail}; convert it to a plain 8 bit RGB JPEG or PNG file")]
    Unsupported {
        /// The file.
        name: String,
        /// The format or feature.
        detail: String,
    },

    /// The picture has no pixels.
    #[error("{name} has no pixels ({width} x {height}); export the picture again")]
    ZeroSized {
        /// The file.
        name: String,
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },

    /// The header claims more pixels than the limits allow. Nothing was allocated.
    #[error(
        "{name} is too large: {width} x {height} pixels, {} MiB decoded; \
         at most {MAX_SIDE} pixels a side and {} MiB are read, so scale the picture down first",
        bytes.div_ceil(1 << 20), MAX_DECODED_BYTES >> 20
    )]
    TooLarge {
        /// The file.
        name: String,
        /// Claimed width in pixels.
        width: u32,
        /// Claimed height in pixels.
        height: u32,
        /// Claimed size of the decoded picture in bytes.
        bytes: u64,
    },

    /// The file itself is larger than any picture within the limits.
    #[error(
        "{name} is larger than {} MiB, the most that is read of a picture file; \
         scale the picture down or compress it first",
        MAX_DECODED_BYTES >> 20
    )]
    FileTooLarge {
        /// The file.
        name: String,
    },

    /// The file ends before the picture does.
    #[error("{name} is cut off: {detail}; download or copy the file again")]
    Truncated {
        /// The file.
        name: String,
        /// What is missing.
        detail: String,
    },

    /// The content breaks the rules of its format.
    #[error("{name} is damaged or cut off: {detail}; download or export the file again")]
    Damaged {
        /// The file.
        name: String,
        /// What the decoder found.
        detail: String,
    },

    /// The network's input description or the framing makes no sense.
    #[error("cannot prepare {name} for the network: {problem}")]
    Input {
        /// The photo.
        name: String,
        /// The offending values and what to change.
        problem: String,
    },

    /// A map's length and shape disagree, or it has no pixels.
    #[error(
        "a map of {height} x {width} pixels needs {} values, at least one, but has {len}",
        u64::from(*height) * u64::from(*width)
    )]
    MapSize {
        /// Height in pixels.
        height: u32,
        /// Width in pixels.
        width: u32,
        /// Number of values given.
        len: usize,
    },

    /// A map's placement belongs to another photo.
    #[error(
        "the placement is for a photo of {} x {} pixels (width x height), \
         but the photo has {} x {}; use the placement that `prepare` gave for this photo",
        placement.0, placement.1, photo.0, photo.1
    )]
    WrongPhoto {
        /// Photo width and height that the placement records.
        placement: (u32, u32),
        /// Width and height of the photo given.
        photo: (u32, u32),
    },

    /// The colour range is no positive, finite number.
    #[error("the colour range {value} is not usable; give \"auto\" or a number above 0")]
    Range {
        /// The text or number given.
        value: String,
    },

    /// No colour map has this name.
    #[error("no colour map is named \"{name}\"; choose one of {choices}")]
    UnknownColormap {
        /// The name given.
        name: String,
        /// All names, separated by commas.
        choices: String,
    },

    /// A file could not be written. The target is as it was before.
    #[error("cannot write {}: {source}; {}", path.display(), what_to_check(source))]
    Write {
        /// The target.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },

    /// An array file is not what the engine reads.
    #[error("{} is not a usable batch of inputs: {problem}", path.display())]
    Npy {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: NpyProblem,
    },
}

/// What a user can do about a file that cannot be written.
fn what_to_check(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::InvalidFilename => "its name is too long or not allowed there, so rename the input",
        _ => "check that the folder exists and is writable, and that the disk has room",
    }
}

/// Why a `.npy` file is not a float32 (N, channels, H, W) batch.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NpyProblem {
    /// No NumPy array file, or a damaged header.
    #[error("no readable .npy header ({0}); write the file with numpy.save")]
    Header(String),
    /// Other elements than little-endian float32.
    #[error("its elements are {0}, not '<f4'; save array.astype('<f4')")]
    Dtype(String),
    /// Column-major order.
    #[error("it is in Fortran order; save numpy.ascontiguousarray(array)")]
    FortranOrder,
    /// Not four axes.
    #[error("its shape is {0:?}, not (N, channels, H, W); reshape the array first")]
    Rank(Vec<u64>),
    /// Neither one channel nor three.
    #[error("its shape is {0:?}, with other than 1 or 3 channels on the second axis; transpose it first")]
    Channels(Vec<u64>),
    /// An axis of length 0.
    #[error("its shape {0:?} holds no values; save at least one image")]
    NoValues(Vec<u64>),
    /// Inputs with more pixels than the limits allow.
    #[error("its shape is {0:?}, with more pixels than are read; at most {MAX_SIDE} a side and {most} in all",
        most = MAX_DECODED_BYTES / 3)]
    TooLarge(Vec<u64>),
    /// The file's length and the header's shape disagree.
    #[error("its header claims {claimed} bytes of data but {found} follow; save the array again")]
    Length {
        /// Bytes that the shape asks for.
        claimed: u128,
        /// Bytes behind the header.
        found: u64,
    },
    /// NaN or infinity among the values.
    #[error("it holds {value} at index [{}, {}, {}, {}]; only finite values can be explained",
        index[0], index[1], index[2], index[3])]
    NotFinite {
        /// The value.
        value: f32,
        /// Its index: image, channel, row, column.
        index: [usize; 4],
    },
}
