//! What can be wrong with what photos are compared with.

use std::path::PathBuf;

/// Why there is nothing to compare photos with.
#[derive(Debug, thiserror::Error)]
pub enum WithoutClassError {
    /// Nearest of what?
    #[error("--against nearest takes the neighbours from a folder; name it with --neighbours DIR")]
    NoNeighbours,
    /// A folder that nothing is searched in.
    #[error(
        "--neighbours is the folder that --against nearest searches; say --against nearest, or leave --neighbours out"
    )]
    NotNearest,
    /// A picture that photos are compared with.
    #[error("--{flag}: {problem}")]
    Picture {
        /// The flag.
        flag: &'static str,
        /// What is wrong; names the file.
        problem: String,
    },
    /// A gallery without a picture that can be used.
    #[error("none of the pictures of {} can be used: {problem}", folder.display())]
    NoPicture {
        /// The folder.
        folder: PathBuf,
        /// What is wrong with the first.
        problem: String,
    },
    /// An array of vectors that lists of names do not go with.
    #[error("{} is no name for an array; let it end in .npy", .0.display())]
    NotNpy(PathBuf),
    /// A folder for vectors.
    #[error("cannot write to the folder {}: {source}; choose another", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}
