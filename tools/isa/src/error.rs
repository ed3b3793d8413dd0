//! What can go wrong, and what to install.

/// What to do where the driver is missing.
const INSTALL: &str = "\
RADV is Mesa's Vulkan driver for AMD cards; no card is needed. Debian and Ubuntu: `apt install mesa-vulkan-drivers \
libvulkan1`; Fedora: `dnf install mesa-vulkan-drivers vulkan-loader`; Arch: `pacman -S vulkan-radeon \
vulkan-icd-loader`. If its manifest (radeon_icd*.json) is in an unusual place, name the file in the environment \
variable AGF_RADV";

/// Why a kernel could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No manifest of RADV.
    #[error("no manifest of RADV was found; looked at {}\n{INSTALL}", looked.join(", "))]
    NoManifest {
        /// The places.
        looked: Vec<String>,
    },
    /// The loader or the driver refuses.
    #[error("RADV could not be opened as {family}: {reason}\n{INSTALL}")]
    Driver {
        /// The card that it should take itself for.
        family: String,
        /// What happened.
        reason: String,
    },
    /// A Vulkan call failed.
    #[error("{during}: {result}")]
    Vulkan {
        /// What was being done.
        during: String,
        /// Vulkan's words.
        result: ash::vk::Result,
    },
    /// A shader does not translate.
    #[error("{name}: {reason}")]
    Shader {
        /// Kernel or file.
        name: String,
        /// naga's words.
        reason: String,
    },
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: String,
        /// The system's words.
        source: std::io::Error,
    },
    /// The planner.
    #[error(transparent)]
    Plan(#[from] agf::Error),
    /// What a compilation in a process of its own said.
    #[error("{0}")]
    Child(String),
}
