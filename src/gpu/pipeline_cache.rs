//! Compiled pipelines kept on disk between runs, where the graphics interface has a cache of its own kind (Vulkan).
//!
//! A file belongs to one adapter, driver version and set of shaders; any other, and any damaged one, is ignored.

use super::AdapterSummary;
use crate::files;
use crate::plan::kernel::Shader;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::path::{Path, PathBuf};

const MAGIC: &[u8; 8] = b"agfpipe1";
/// Magic, key, checksum of the data.
const HEADER: usize = 24;

/// The driver's cache and the file that it is kept in.
pub(super) struct PipelineCache {
    cache: wgpu::PipelineCache,
    file: PathBuf,
    key: u64,
}

impl PipelineCache {
    /// The cache for a device, filled from `directory` if a fitting file is there; what was wrong with a file that was
    /// ignored.
    pub fn open(device: &wgpu::Device, summary: &AdapterSummary, directory: &Path) -> Option<(Self, Option<String>)> {
        if !device.features().contains(wgpu::Features::PIPELINE_CACHE) {
            return None;
        }
        let adapter = wgpu::util::pipeline_cache_key(&device.adapter_info())?;
        let key = key(&adapter, summary);
        let file = directory.join(format!("{adapter}_{key:016x}.bin"));
        let (data, note) = match fs::read(&file).map(|bytes| unwrap(&bytes, key)) {
            Ok(Some(data)) => (Some(data), None),
            Ok(None) => (None, Some(format!("{}: damaged, ignored and written anew", file.display()))),
            Err(_) => (None, None),
        };
        let descriptor = wgpu::PipelineCacheDescriptor { label: Some("agf"), data: data.as_deref(), fallback: true };
        // Safety: the data came from `get_data` of the same adapter, driver and shaders, which key and checksum vouch
        // for.
        let cache = unsafe { device.create_pipeline_cache(&descriptor) };
        Some((Self { cache, file, key }, note))
    }

    /// What pipelines are made with.
    pub fn cache(&self) -> &wgpu::PipelineCache {
        &self.cache
    }

    /// Writes the file anew. A cache that cannot be written only costs time, so failures are not reported.
    pub fn save(&self) {
        let Some(data) = self.cache.get_data() else { return };
        let directory = self.file.parent().unwrap_or(Path::new("."));
        let _ = fs::create_dir_all(directory)
            .and_then(|()| files::write_whole(&self.file, |file| file.write_all(&wrap(&data, self.key))));
    }
}

/// What wgpu tells adapters apart by, driver, crate version and the text of all shaders.
fn key(adapter: &str, summary: &AdapterSummary) -> u64 {
    let AdapterSummary { name, driver, driver_info, .. } = summary;
    let mut hasher = DefaultHasher::new();
    (env!("CARGO_PKG_VERSION"), adapter, name, driver, driver_info, Shader::fingerprint()).hash(&mut hasher);
    hasher.finish()
}

fn checksum(data: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    data.hash(&mut hasher);
    hasher.finish()
}

/// A file's bytes.
#[doc(hidden)]
pub fn wrap(data: &[u8], key: u64) -> Vec<u8> {
    [MAGIC.as_slice(), &key.to_le_bytes(), &checksum(data).to_le_bytes(), data].concat()
}

/// What [`wrap`] made a file of; `None` for any other bytes and another key.
#[doc(hidden)]
pub fn unwrap(bytes: &[u8], key: u64) -> Option<Vec<u8>> {
    let (header, data) = bytes.split_at_checked(HEADER)?;
    (header == &wrap(data, key)[..HEADER]).then(|| data.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_taken_only_whole_and_for_its_key() {
        let bytes = wrap(b"compiled code", 7);
        assert_eq!(unwrap(&bytes, 7).as_deref(), Some(b"compiled code".as_slice()));
        assert_eq!(unwrap(&bytes, 8), None);
        assert_eq!(unwrap(&bytes[..bytes.len() - 1], 7), None);
        assert_eq!(unwrap(&bytes[..5], 7), None);
        for position in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[position] ^= 1;
            assert_eq!(unwrap(&damaged, 7), None, "byte {position}");
        }
    }
}
