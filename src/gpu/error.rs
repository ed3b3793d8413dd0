//! What can go wrong between the library and the GPU.

/// An adapter that cannot be had, or a device that refuses or fails.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GpuError {
    /// No adapter at all.
    #[error(
        "no GPU adapter was found{}\n\
         What to install: Debian/Ubuntu: `apt install mesa-vulkan-drivers libvulkan1`; Fedora: `dnf install mesa-vulkan-drivers \
         vulkan-loader`; Arch: `pacman -S vulkan-icd-loader` and your card's vulkan driver (or vulkan-swrast); \
         NVIDIA cards: the vendor's driver; Windows and macOS: an up-to-date graphics driver brings DX12 or Metal. \
         Mesa's packages contain a software driver that works without a graphics card.",
        backend.map(|name| format!(" for the backend {name}")).unwrap_or_default()
    )]
    NoAdapter {
        /// The backend that was asked for.
        backend: Option<&'static str>,
    },
    /// The adapter that was asked for is not there.
    #[error("no adapter '{wanted}'; there are {}", found.join(", "))]
    UnknownAdapter {
        /// What was asked for.
        wanted: String,
        /// What there is.
        found: Vec<String>,
    },
    /// Several adapters fit the name.
    #[error("'{wanted}' fits several adapters: {}; choose one by its index", found.join(", "))]
    AmbiguousAdapter {
        /// What was asked for.
        wanted: String,
        /// What fits.
        found: Vec<String>,
    },
    /// The adapter is there but gives no device.
    #[error("adapter '{adapter}' gives no device: {reason}; try another one or update its driver")]
    NoDevice {
        /// Adapter name.
        adapter: String,
        /// The driver's words.
        reason: String,
    },
    /// A device that was handed over lacks a limit that the kernels need.
    #[error(
        "the device allows {name} = {found}, at least {needed} is needed: request it when the device is made (see `gpu::requirements`)"
    )]
    Limit {
        /// Name of the limit.
        name: &'static str,
        /// What the device has.
        found: u64,
        /// What is needed.
        needed: u64,
    },
    /// Memory ran out.
    #[error(
        "the GPU is out of memory while {during} ({bytes} bytes were asked for); use a smaller batch or smaller pictures"
    )]
    OutOfMemory {
        /// What was being done.
        during: String,
        /// Bytes asked for.
        bytes: u64,
    },
    /// The driver refused or failed.
    #[error("the GPU driver failed while {during}: {reason}")]
    Driver {
        /// What was being done.
        during: String,
        /// The driver's words.
        reason: String,
    },
    /// The device is gone.
    #[error(
        "the GPU was lost while {during}: it was reset, unplugged, or a run took too long; run again, with a smaller batch or smaller pictures"
    )]
    Lost {
        /// What was being done.
        during: String,
    },
}
