//! Maps and reports to files. Every file is written beside its name and then renamed, so none is ever half.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

use super::CliError;
use super::answers::MethodMap;
use super::args::ExplainArguments;
use super::decode::Picture;
use super::former::REPORT;
use super::inputs::Source;
use super::interrupt;
use super::names::append;
use super::page;
use super::report::Report;
use super::values::Save;
use super::without::comparison::{Beside, Shown};
use agf::image::{
    Colormap, ComparisonRow, ImageError, Map, PanelEntry, PanelPicture, Photo, Placement, Range, RgbImage, comparison,
    heatmap, overlay, panel, write_atomically, write_npy, write_png,
};
use agf::methods::Method;
use image::imageops::thumbnail;

/// Why a file of a picture could not be written.
#[derive(Debug, thiserror::Error)]
pub(super) enum OutputError {
    /// Making or writing it failed.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// It would replace an input.
    #[error("{} is one of the inputs and is not overwritten; choose another folder with --out", .0.display())]
    OverInput(PathBuf),
}

/// A map of a picture, with what a caption says.
pub(super) struct Captioned<'a> {
    pub(super) made: &'a MethodMap,
    pub(super) name: &'a str,
    pub(super) probability: f32,
}

/// Writes the files of pictures into a folder.
pub(super) struct Writer<'a> {
    folder: &'a Path,
    /// All folders that files are written into.
    folders: Vec<PathBuf>,
    /// The true paths of all inputs.
    inputs: HashSet<PathBuf>,
    save: Vec<Save>,
    colormap: Colormap,
    range: Range,
    /// The methods' names.
    methods: Vec<&'static str>,
    /// What classes stand for, where they are references.
    references: Arc<Vec<Shown>>,
    /// Whether file names and lines name the method.
    names_method: bool,
}

impl<'a> Writer<'a> {
    /// Makes the folder, finds out whether files can be made in it, and removes what killed runs left there.
    pub(super) fn new(
        arguments: &'a ExplainArguments,
        methods: &[Method],
        sources: &[Source],
        references: Arc<Vec<Shown>>,
    ) -> Result<Self, CliError> {
        let ExplainArguments { out: folder, colormap, range, .. } = arguments;
        let save = arguments.save(methods.len());
        let try_out = || {
            fs::create_dir_all(folder)?;
            tempfile::tempfile_in(folder).map(drop)
        };
        let refused = |source| CliError::OutputFolder { folder: folder.clone(), source };
        try_out().map_err(refused)?;
        let mut roots = vec![folder.clone()];
        if save.contains(&Save::Html) {
            roots.push(folder.join(page::PICTURES));
        }
        let names = sources.iter().flat_map(|source| roots.iter().map(|root| root.join(&source.name)));
        let parents: BTreeSet<PathBuf> = names.filter_map(|name| Some(name.parent()?.to_owned())).collect();
        let folders: Vec<PathBuf> = parents.into_iter().chain([folder.clone()]).collect();
        interrupt::remove_stale(&folders);
        let inputs = sources.iter().filter_map(|source| source.path.canonicalize().ok()).collect();
        let (colormap, range, names_method) = (*colormap, *range, !arguments.method.is_plain());
        let methods = methods.iter().map(Method::name).collect();
        Ok(Self { folder, folders, inputs, save, colormap, range, methods, references, names_method })
    }

    /// All folders that files are written into.
    pub(super) fn folders(&self) -> &[PathBuf] {
        &self.folders
    }

    /// Whether lines of data name the method.
    pub(super) fn names_method(&self) -> bool {
        self.names_method
    }

    /// The folder.
    pub(super) fn folder(&self) -> &'a Path {
        self.folder
    }

    /// Writes all files of one picture; gives those of each map.
    pub(super) fn write(&self, picture: &Picture, maps: &[Captioned]) -> Result<Vec<Vec<PathBuf>>, OutputError> {
        let stem = self.folder.join(&picture.name);
        make_parent(&stem)?;
        let mut files = Vec::new();
        for captioned in maps {
            files.push(self.write_map(&stem, picture, captioned.made)?);
        }
        if self.save.contains(&Save::Panel) {
            let path = match (&self.methods[..], self.names_method) {
                ([method], true) => self.target(append(&stem, &format!(".{method}.panel.png")))?,
                _ => self.target(append(&stem, ".panel.png"))?,
            };
            match self.methods.len() {
                1 => self.write_panel(&path, picture, maps)?,
                _ => self.write_comparison(&path, picture, maps)?,
            }
            files.iter_mut().for_each(|files| files.push(path.clone()));
        }
        if self.save.contains(&Save::Html) {
            for (files, paths) in files.iter_mut().zip(self.write_page_pictures(picture, maps)?) {
                files.extend(paths);
            }
        }
        Ok(files)
    }

    /// What the page shows of a picture: for each map its own and that of the photo.
    fn write_page_pictures(&self, picture: &Picture, maps: &[Captioned]) -> Result<Vec<[PathBuf; 2]>, OutputError> {
        let small = |image: RgbImage| match image.width().max(image.height()) {
            side if side <= page::SIDE => image,
            side => {
                let scaled = |length: u32| (length * page::SIDE / side).max(1);
                thumbnail(&image, scaled(image.width()), scaled(image.height()))
            }
        };
        let crop = &picture.prepared.crop;
        let photo_path = self.target(self.folder.join(page::photo_file(&picture.name)))?;
        make_parent(&photo_path)?;
        write_png(&photo_path, &small(crop.clone()))?;
        let seen = Photo::from_rgb(crop.clone(), picture.label())?;
        let place = Placement::whole(crop.height(), crop.width());
        let mut paths = Vec::new();
        for MethodMap { method, map, .. } in maps.iter().map(|captioned| captioned.made) {
            let view = Map::new(&map.values, map.height, map.width)?;
            let path = self.target(self.folder.join(page::map_file(&picture.name, map.class, method)))?;
            write_png(&path, &small(overlay(&seen, &view, &place, self.colormap, self.range)?))?;
            paths.push([path, photo_path.clone()]);
        }
        Ok(paths)
    }

    fn write_map(&self, stem: &Path, picture: &Picture, made: &MethodMap) -> Result<Vec<PathBuf>, OutputError> {
        let map = &made.map;
        let view = Map::new(&map.values, map.height, map.width)?;
        let method = if self.names_method { format!(".{}", made.method) } else { String::new() };
        let path = |ending: &str| self.target(append(stem, &format!(".{}{method}.{ending}", map.class)));
        let mut files = Vec::new();
        if self.save.contains(&Save::Npy) {
            let path = path("npy")?;
            write_npy(&path, &view)?;
            files.push(path);
        }
        if self.save.contains(&Save::Heatmap) {
            let path = path("heatmap.png")?;
            write_png(&path, &heatmap(&view, self.colormap, self.range)?)?;
            files.push(path);
        }
        if self.save.contains(&Save::Overlay) {
            let path = path("overlay.png")?;
            let placement = &picture.prepared.placement;
            let image = overlay(&picture.photo, &view, placement, self.colormap, self.range)?;
            write_png(&path, &image)?;
            files.push(path);
        }
        Ok(files)
    }

    fn write_panel(&self, path: &Path, picture: &Picture, maps: &[Captioned]) -> Result<(), OutputError> {
        let mut entries = Vec::new();
        for Captioned { made: MethodMap { map, .. }, name, probability } in maps {
            entries.push(PanelEntry {
                title: (*name).into(),
                subtitle: format!("{:.1} %", probability * 100.0),
                map: Map::new(&map.values, map.height, map.width)?,
            });
        }
        let mut pictures: Vec<PanelPicture> = picture.beside.iter().map(Beside::panel).collect();
        // A reference alone has maps of two classes.
        let mut seen = HashSet::new();
        let references = maps.iter().filter_map(|map| self.reference_of(map.made.map.class));
        pictures.extend(references.filter(|shown| seen.insert(&shown.name)).map(Shown::panel));
        Ok(write_png(path, &panel(&picture.prepared.crop, &pictures, &entries, self.colormap, self.range)?)?)
    }

    /// The reference that a class stands for. A reference alone has two classes: like it, and not.
    fn reference_of(&self, class: u32) -> Option<&Shown> {
        let last = self.references.len().checked_sub(1)?;
        self.references.get((class as usize).min(last))
    }

    /// A row per class, a column per method.
    fn write_comparison(&self, path: &Path, picture: &Picture, maps: &[Captioned]) -> Result<(), OutputError> {
        let mut rows: Vec<(u32, ComparisonRow)> = Vec::new();
        for Captioned { made: MethodMap { map, .. }, name, probability } in maps {
            let view = Map::new(&map.values, map.height, map.width)?;
            match rows.iter_mut().find(|(class, _)| *class == map.class) {
                Some((_, row)) => row.maps.push(view),
                None => {
                    let subtitle = format!("{:.1} %", probability * 100.0);
                    let neighbour = picture.beside.as_ref().map(Beside::panel);
                    let beside = neighbour.or_else(|| self.reference_of(map.class).map(Shown::panel));
                    rows.push((map.class, ComparisonRow { title: (*name).into(), subtitle, beside, maps: vec![view] }));
                }
            }
        }
        let rows: Vec<ComparisonRow> = rows.into_iter().map(|(_, row)| row).collect();
        let methods: Vec<String> = self.methods.iter().map(|&name| name.into()).collect();
        Ok(write_png(path, &comparison(&picture.prepared.crop, &methods, &rows, self.colormap, self.range)?)?)
    }

    /// The path itself, if no input lies there.
    fn target(&self, path: PathBuf) -> Result<PathBuf, OutputError> {
        let is_input = path.canonicalize().is_ok_and(|path| self.inputs.contains(&path));
        if is_input { Err(OutputError::OverInput(path)) } else { Ok(path) }
    }

    /// Writes `report.html` where it is asked for.
    pub(super) fn write_page(&self, report: &Report) -> Result<Option<PathBuf>, OutputError> {
        if !self.save.contains(&Save::Html) {
            return Ok(None);
        }
        let path = self.target(self.folder.join(page::PAGE))?;
        write_atomically(&path, |file| {
            let mut text = Vec::new();
            report.write(&mut text)?;
            let report: page::Report = serde_json::from_slice(&text)?;
            report.write(self.folder, file)
        })?;
        Ok(Some(path))
    }

    /// Writes `report.json`.
    pub(super) fn write_report(&self, report: &Report) -> Result<PathBuf, OutputError> {
        let path = self.target(self.folder.join(REPORT))?;
        write_atomically(&path, |file| {
            report.write(file)?;
            file.write_all(b"\n")
        })?;
        Ok(path)
    }
}

/// Makes the folder of a file.
fn make_parent(path: &Path) -> Result<(), ImageError> {
    let Some(folder) = path.parent() else { return Ok(()) };
    fs::create_dir_all(folder).map_err(|source| ImageError::Write { path: folder.into(), source })
}

/// A document as text for standard output.
pub(super) fn to_json(document: &impl Serialize) -> Result<String, CliError> {
    serde_json::to_string_pretty(document).map_err(|error| CliError::Stdout(error.into()))
}
