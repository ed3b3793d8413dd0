//! Files of what is seen, and the command that makes the same maps with `agf-run`.

use crate::network::Network;
use crate::picture::Picture;
use crate::question::Shown;
use crate::ui::ABLATIONS;
use crate::view::{RangeChoice, View};
use agf::image::{Map, RgbImage, write_npy, write_png};
use agf::{Gpu, Method, wgpu};
use std::path::{Path, PathBuf};

/// Maps to be saved.
pub struct Save {
    /// Where.
    pub folder: PathBuf,
    /// Each map's name, values and picture.
    pub maps: Vec<(String, agf::Map, wgpu::Texture)>,
}

/// What a map's files are called, without an ending.
pub fn stem(picture: &Picture, shown: &Shown) -> String {
    let name = picture.source.name();
    let name = Path::new(&name).file_stem().map_or(name.clone(), |stem| stem.to_string_lossy().into_owned());
    let method = match variant(&shown.method) {
        Some((_, value)) => format!("{}-{value}", shown.method.name()),
        None => shown.method.name().into(),
    };
    format!("{name}.{}.{method}", shown.map.class)
}

impl Save {
    /// Writes each map as a picture, as it is seen, and as numbers. Says where.
    ///
    /// # Errors
    /// Which file cannot be written and why, in words.
    pub async fn write(self, gpu: &Gpu) -> Result<String, String> {
        let folder = &self.folder;
        std::fs::create_dir_all(folder).map_err(|error| format!("{} cannot be made: {error}", folder.display()))?;
        for (stem, map, texture) in &self.maps {
            let picture = pixels(gpu, texture).await.ok_or("the picture cannot be read from the GPU")?;
            let write = || {
                write_png(folder.join(format!("{stem}.png")), &picture)?;
                write_npy(folder.join(format!("{stem}.npy")), &Map::new(&map.values, map.height, map.width)?)
            };
            write().map_err(|error| error.to_string())?;
        }
        Ok(format!("{} pictures and as many arrays are in {}", self.maps.len(), folder.display()))
    }
}

/// Reads a texture of the format Rgba8Unorm.
async fn pixels(gpu: &Gpu, texture: &wgpu::Texture) -> Option<RgbImage> {
    let row = (4 * texture.width()).next_multiple_of(wgpu::COPY_BYTES_PER_ROW_ALIGNMENT);
    let buffer = gpu.device().create_buffer(&wgpu::BufferDescriptor {
        label: Some("picture to save"),
        size: u64::from(row) * u64::from(texture.height()),
        usage: wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ,
        mapped_at_creation: false,
    });
    let layout = wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(row), rows_per_image: None };
    let target = wgpu::TexelCopyBufferInfo { buffer: &buffer, layout };
    let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    encoder.copy_texture_to_buffer(texture.as_image_copy(), target, texture.size());
    gpu.queue().submit([encoder.finish()]);
    let (sender, receiver) = futures_channel::oneshot::channel();
    buffer.map_async(wgpu::MapMode::Read, .., |mapped| drop(sender.send(mapped)));
    #[cfg(not(target_arch = "wasm32"))]
    gpu.device().poll(wgpu::PollType::wait_indefinitely()).ok()?;
    receiver.await.ok()?.ok()?;
    let bytes = buffer.get_mapped_range(..).ok()?;
    let lines = bytes.chunks(row as usize).flat_map(|line| line.chunks(4).take(texture.width() as usize));
    let colors = lines.flat_map(|pixel| pixel.iter().take(3).copied()).collect();
    RgbImage::from_raw(texture.width(), texture.height(), colors)
}

/// The arguments of the runs of `agf-run` that make the maps; `None` where the photo is no file. Options of AGF hold
/// for a whole run, so each variant of it has one of its own.
pub fn arguments(network: &Network, picture: &Picture, maps: &[Shown], view: &View) -> Option<Vec<Vec<String>>> {
    let path = picture.source.path()?;
    let mut classes: Vec<u32> = maps.iter().map(|shown| shown.map.class).collect();
    classes.sort_unstable();
    classes.dedup();
    let mut common = vec!["explain".to_owned(), path.display().to_string()];
    common.extend(network.options());
    common.extend(classes.iter().flat_map(|class| ["--class".into(), class.to_string()]));
    common.extend(["--save", "overlay,npy", "--no-tuning", "--colormap", view.colormap.name()].map(String::from));
    if view.range == RangeChoice::Fixed {
        common.extend(["--range".into(), view.fixed.to_string()]);
    }
    let mut methods: Vec<&Method> = maps.iter().map(|shown| &shown.method).collect();
    methods.dedup();
    let mut plain: Vec<String> = Vec::new();
    let mut others: Vec<Vec<String>> = Vec::new();
    for method in methods {
        match variant(method) {
            None => plain.extend(["--method".into(), method.name().into()]),
            Some((option, value)) => {
                let own = ["--method", "agf", option, value, "--out"].map(String::from);
                others.push([&common[..], &own, &[format!("out/{value}")]].concat());
            }
        }
    }
    let plain = (!plain.is_empty()).then(|| [&common[..], &plain].concat());
    Some(plain.into_iter().chain(others).collect())
}

/// The option, and its value, that makes a variant of AGF.
fn variant(method: &Method) -> Option<(&'static str, &'static str)> {
    match method {
        Method::Agf(ablations) => {
            ABLATIONS.iter().find(|(_, one)| one == ablations).map(|(name, _)| ("--ablate", *name))
        }
        Method::Rules(_) => Some(("--add-rule", "magnitude")),
        _ => None,
    }
}

/// Arguments as a line for a shell.
pub fn line(arguments: &[String]) -> String {
    let plain = |letter: char| letter.is_alphanumeric() || "-_./,=:".contains(letter);
    let quoted = arguments.iter().map(|argument| match !argument.is_empty() && argument.chars().all(plain) {
        true => argument.clone(),
        false => format!("'{}'", argument.replace('\'', r"'\''")),
    });
    std::iter::once("agf-run".to_owned()).chain(quoted).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_shell_would_change_is_quoted() {
        let arguments = ["explain", "my photo.jpg", "it's", "", "a.png"].map(String::from);
        assert_eq!(line(&arguments), r"agf-run explain 'my photo.jpg' 'it'\''s' '' a.png");
    }
}
