//! Maps and reports to files. Every file is written beside its name and then renamed, so none is ever half.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::CliError;
use super::args::ExplainArguments;
use super::decode::Picture;
use super::inputs::append;
use super::values::Save;
use crate::explainer;
use crate::image::{
    Colormap, ImageError, Map, PanelEntry, Range, heatmap, overlay, panel, write_atomically, write_npy, write_png,
};

/// A map of a picture, with what a caption says.
pub(super) struct Captioned<'a> {
    pub(super) map: &'a explainer::Map,
    pub(super) name: &'a str,
    pub(super) probability: f32,
}

/// Writes the files of pictures into a folder.
pub(super) struct Writer<'a> {
    folder: &'a Path,
    save: &'a [Save],
    colormap: Colormap,
    range: Range,
}

impl<'a> Writer<'a> {
    /// Makes the folder, and finds out whether files can be made in it.
    pub(super) fn new(arguments: &'a ExplainArguments) -> Result<Self, CliError> {
        let ExplainArguments { out: folder, save, colormap, range, .. } = arguments;
        let try_out = || {
            fs::create_dir_all(folder)?;
            let probe = folder.join(format!(".agf-{}.probe", std::process::id()));
            fs::write(&probe, b"")?;
            fs::remove_file(&probe)
        };
        let refused = |source| CliError::OutputFolder { folder: folder.clone(), source };
        try_out().map_err(refused)?;
        Ok(Self { folder, save, colormap: *colormap, range: *range })
    }

    /// The folder.
    pub(super) fn folder(&self) -> &'a Path {
        self.folder
    }

    /// Writes all files of one picture; gives those of each map.
    pub(super) fn write(&self, picture: &Picture, maps: &[Captioned]) -> Result<Vec<Vec<PathBuf>>, ImageError> {
        let stem = self.folder.join(&picture.name);
        if let Some(folder) = stem.parent() {
            let refused = |source| ImageError::Write { path: folder.into(), source };
            fs::create_dir_all(folder).map_err(refused)?;
        }
        let mut files = Vec::new();
        for captioned in maps {
            files.push(self.write_map(&stem, picture, captioned.map)?);
        }
        if self.save.contains(&Save::Panel) {
            let path = append(&stem, ".panel.png");
            self.write_panel(&path, picture, maps)?;
            files.iter_mut().for_each(|files| files.push(path.clone()));
        }
        Ok(files)
    }

    fn write_map(&self, stem: &Path, picture: &Picture, map: &explainer::Map) -> Result<Vec<PathBuf>, ImageError> {
        let view = Map::new(&map.values, map.height, map.width)?;
        let path = |ending: &str| append(stem, &format!(".{}.{ending}", map.class));
        let mut files = Vec::new();
        if self.save.contains(&Save::Npy) {
            files.push(path("npy"));
            write_npy(path("npy"), &view)?;
        }
        if self.save.contains(&Save::Heatmap) {
            files.push(path("heatmap.png"));
            write_png(path("heatmap.png"), &heatmap(&view, self.colormap, self.range)?)?;
        }
        if self.save.contains(&Save::Overlay) {
            files.push(path("overlay.png"));
            let placement = &picture.prepared.placement;
            let image = overlay(&picture.photo, &view, placement, self.colormap, self.range)?;
            write_png(path("overlay.png"), &image)?;
        }
        Ok(files)
    }

    fn write_panel(&self, path: &Path, picture: &Picture, maps: &[Captioned]) -> Result<(), ImageError> {
        let mut entries = Vec::new();
        for Captioned { map, name, probability } in maps {
            entries.push(PanelEntry {
                title: (*name).into(),
                subtitle: format!("{:.1} %", probability * 100.0),
                map: Map::new(&map.values, map.height, map.width)?,
            });
        }
        write_png(path, &panel(&picture.prepared.crop, &entries, self.colormap, self.range)?)
    }

    /// Writes `report.json`.
    pub(super) fn write_report(&self, report: &impl Serialize) -> Result<PathBuf, ImageError> {
        let path = self.folder.join("report.json");
        write_atomically(&path, |file| {
            serde_json::to_writer_pretty(&mut *file, report).map_err(io::Error::from)?;
            file.write_all(b"\n")
        })?;
        Ok(path)
    }
}

/// A document as text for standard output.
pub(super) fn to_json(document: &impl Serialize) -> Result<String, CliError> {
    serde_json::to_string_pretty(document).map_err(|error| CliError::Stdout(error.into()))
}
