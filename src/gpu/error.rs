//! What can go wrong between the library and the GPU.

/// An adapter that cannot be had, or a device that refuses or fails.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GpuError {
    /// No adapter at all.
    #[error(
        "no GPU adapter was found{}\n\
         What to install: Debian/Ubuntu: `apt install mesa-vulkan-drivers libvulkan1`; Fedora: `dnf install \
         mesa-vulkan-drivers vulkan-loader`; Arch: `pacman -S vulkan-icd-loader` and your card's vulkan driver (or \
         vulkan-swrast); NVIDIA cards: the vendor's driver; Windows and macOS: an up-to-date graphics driver brings \
         DX12 or Metal. Mesa's packages contain a software driver that works without a graphics card.",
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
        "the device allows {name} = {found}, at least {needed} is needed: \
         request it when the device is made (see `gpu::requirements`)"
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
        "the GPU is out of memory while {during} ({bytes} bytes were asked for); \
         use a smaller batch or smaller pictures"
    )]
    OutOfMemory {
        /// What was being done.
        during: String,
        /// Bytes asked for.
        bytes: u64,
    },
    /// Values whose number is not what was said.
    #[error("'{value}' takes {wanted} values for the whole batch, got {found}")]
    Length {
        /// Name of the value.
        value: String,
        /// How many were given.
        found: usize,
        /// How many it takes.
        wanted: usize,
    },
    /// A value that nothing keeps in GPU memory.
    #[error("'{value}' is not kept in GPU memory: make it an output of the plan")]
    NotStored {
        /// Name of the value.
        value: String,
    },
    /// The driver computes something else than it should.
    #[error(
        "this driver computes wrong results: {driver} gave {found}; update it or choose another adapter. \
         Verifying the network says which operation is at fault"
    )]
    WrongResults {
        /// Adapter and driver.
        driver: String,
        /// What was found.
        found: String,
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
        "the GPU was lost while {during}: it was reset, unplugged, or a run took too long; \
         run again, with a smaller batch or smaller pictures"
    )]
    Lost {
        /// What was being done.
        during: String,
    },
}
