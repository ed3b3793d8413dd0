//! Which photos there are to look at.

use agf::image::{PICTURE_ENDINGS, RgbImage, is_written_by_us};
use eframe::egui::DroppedFileHandle;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where a photo comes from.
#[derive(Clone, Debug)]
pub enum Source {
    /// A file.
    File(PathBuf),
    /// A file's content, as browsers hand it over.
    Bytes {
        /// What it is called.
        name: String,
        /// Its content.
        bytes: Arc<[u8]>,
    },
    /// Pixels from the clipboard.
    Pixels(Arc<RgbImage>),
}

impl Source {
    /// What it is called.
    pub fn name(&self) -> String {
        match self {
            Source::File(path) => path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned(),
            Source::Bytes { name, .. } => name.clone(),
            Source::Pixels(_) => "clipboard".into(),
        }
    }

    /// Its file, where it has one.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Source::File(path) => Some(path),
            Source::Bytes { .. } | Source::Pixels(_) => None,
        }
    }
}

/// A row of photos, one of which is looked at.
#[derive(Clone, Debug, Default)]
pub struct Photos {
    sources: Vec<Source>,
    at: usize,
}

impl Photos {
    /// The photos of a path: itself, or those of a folder and all that is in it, in the order of their names.
    ///
    /// # Errors
    /// What is wrong with the path, in words.
    pub fn open(path: &Path) -> Result<Self, String> {
        if !path.is_dir() {
            return Ok(Self::of(vec![Source::File(path.into())]));
        }
        let mut files = Vec::new();
        collect(path, &mut files).map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
        if files.is_empty() {
            return Err(format!("there is no photo in {}", path.display()));
        }
        Ok(Self::of(files.into_iter().map(Source::File).collect()))
    }

    /// Photos that were dropped: a folder, or files.
    ///
    /// # Errors
    /// What is wrong with them, in words.
    pub async fn receive(files: &[DroppedFileHandle]) -> Result<Self, String> {
        if let [file] = files
            && file.path().is_dir()
        {
            return Self::open(file.path());
        }
        let mut sources = Vec::new();
        for file in files {
            sources.push(match file.path().is_file() {
                true => Source::File(file.path().into()),
                false => Source::Bytes { name: file.path().display().to_string(), bytes: content(file).await?.into() },
            });
        }
        Ok(Self::of(sources))
    }

    /// These photos.
    pub fn of(sources: Vec<Source>) -> Self {
        Self { sources, at: 0 }
    }

    /// The one that is looked at.
    pub fn current(&self) -> Option<&Source> {
        self.sources.get(self.at)
    }

    /// Its number, from 1, and how many there are.
    pub fn place(&self) -> (usize, usize) {
        (self.at + 1, self.sources.len())
    }

    /// Goes on by some photos, and from the end to the beginning; `false` where there is no other one.
    pub fn go(&mut self, by: isize) -> bool {
        let count = self.sources.len();
        if count < 2 {
            return false;
        }
        self.at = (self.at as isize + by).rem_euclid(count as isize) as usize;
        true
    }
}

#[cfg(not(target_arch = "wasm32"))]
async fn content(file: &DroppedFileHandle) -> Result<Vec<u8>, String> {
    file.bytes()
}

#[cfg(target_arch = "wasm32")]
async fn content(file: &DroppedFileHandle) -> Result<Vec<u8>, String> {
    file.bytes_async().await
}

/// Pictures of a folder, as `agf-run` finds them: hidden entries, links to folders and pictures that agf wrote are left
/// out.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    let mut entries = std::fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(std::fs::DirEntry::path);
    for entry in entries {
        let path = entry.path();
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        if entry.file_type()?.is_dir() {
            collect(&path, files)?;
        } else if is_picture(&path) && !is_written_by_us(&path) {
            files.push(path);
        }
    }
    Ok(())
}

fn is_picture(path: &Path) -> bool {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    ending.is_some_and(|ending| PICTURE_ENDINGS.contains(&ending.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn photos(count: usize) -> Photos {
        Photos::of((0..count).map(|index| Source::File(format!("{index}.png").into())).collect())
    }

    #[test]
    fn the_row_goes_round() {
        let mut row = photos(3);
        assert!(row.go(-1));
        assert_eq!((row.current().unwrap().name().as_str(), row.place()), ("2.png", (3, 3)));
        assert!(row.go(2));
        assert_eq!(row.place(), (2, 3));
        assert!(!photos(1).go(1) && !photos(0).go(1));
        assert!(photos(0).current().is_none());
    }

    #[test]
    fn a_folder_gives_its_pictures_in_order() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("sub")).unwrap();
        for name in ["b.JPG", "a.png", ".hidden.png", "notes.txt", "sub/c.webp"] {
            std::fs::write(folder.path().join(name), []).unwrap();
        }
        let photos = Photos::open(folder.path()).unwrap();
        let names: Vec<String> = photos.sources.iter().map(Source::name).collect();
        assert_eq!(names, ["a.png", "b.JPG", "c.webp"]);
        let empty = tempfile::tempdir().unwrap();
        assert!(Photos::open(empty.path()).is_err_and(|error| error.contains("no photo")));
    }
}
