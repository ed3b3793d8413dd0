//! `report.html`: photos, maps and numbers of a run as one page, made from the report and the pictures in the folder
//! beside it.

mod html;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::former::Owner;
use super::names::append;
use super::terminal::count_of;
use html::{Escaped, Short, encoded, gradient};

/// The page's name in the output folder.
pub(super) const PAGE: &str = "report.html";
/// The folder of its pictures there.
pub(super) const PICTURES: &str = "page";
/// Longest side of its pictures.
pub(super) const SIDE: u32 = 448;
/// Bytes of pictures that are written into the page; of more it only holds the addresses.
const EMBEDDED_BYTES: u64 = 24 << 20;

/// Where the picture of an input lies, relative to the output folder.
pub(super) fn photo_file(name: &Path) -> PathBuf {
    Path::new(PICTURES).join(append(name, ".photo.png"))
}

/// Where the picture of a map lies, relative to the output folder.
pub(super) fn map_file(name: &Path, class: u32, method: &str) -> PathBuf {
    Path::new(PICTURES).join(append(name, &format!(".{class}.{method}.png")))
}

/// What the page tells of `report.json`.
#[derive(Deserialize)]
pub(super) struct Report {
    version: String,
    model: Model,
    adapter: Named,
    methods: Vec<Named>,
    colors: Colors,
    inputs: Vec<Input>,
    failed: Vec<Failure>,
    undone: usize,
}

#[derive(Deserialize)]
struct Model {
    name: String,
    weights: String,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

#[derive(Deserialize)]
struct Colors {
    colormap: String,
    range: String,
}

#[derive(Deserialize)]
struct Input {
    input: String,
    #[serde(flatten)]
    owner: Owner,
    top5: Vec<Class>,
    neighbour: Option<Neighbour>,
    maps: Vec<Map>,
}

#[derive(Deserialize)]
struct Class {
    class: u32,
    name: String,
    probability: Option<f32>,
}

#[derive(Deserialize)]
struct Neighbour {
    input: String,
    similarity: Option<f32>,
}

#[derive(Deserialize)]
struct Map {
    method: String,
    #[serde(flatten)]
    class: Class,
    min: Option<f32>,
    max: Option<f32>,
    sum: f64,
    nan_count: usize,
    infinite_count: usize,
    completeness_gap: Option<f64>,
    mask_loss: Option<f64>,
    sensitivity: Option<f64>,
}

#[derive(Deserialize)]
struct Failure {
    error: String,
}

impl Report {
    /// Writes the page of the run whose pictures lie in `folder`.
    ///
    /// # Errors
    /// Where a picture cannot be read or the page cannot be written.
    pub(super) fn write(&self, folder: &Path, page: &mut impl Write) -> io::Result<()> {
        let mut bytes = 0;
        for file in self.inputs.iter().flat_map(Input::files) {
            bytes += fs::metadata(folder.join(&file)).map_err(|error| named(&file, &error))?.len();
        }
        let pictures = Pictures { folder, are_embedded: bytes <= EMBEDDED_BYTES };
        self.write_head(page)?;
        for input in &self.inputs {
            input.write(&pictures, page)?;
        }
        if !self.failed.is_empty() {
            writeln!(page, "<section>\n<h2>{} failed</h2>\n<ul>", count_of(self.failed.len(), "input"))?;
            for failure in &self.failed {
                writeln!(page, "<li>{}</li>", Escaped(&failure.error))?;
            }
            writeln!(page, "</ul>\n</section>")?;
        }
        writeln!(page, "<script>\n{}</script>\n</body>\n</html>", include_str!("page/script.js"))
    }

    fn write_head(&self, page: &mut impl Write) -> io::Result<()> {
        let Self { version, model, adapter, methods, colors, inputs, undone, .. } = self;
        let style = include_str!("page/style.css");
        let count = count_of(inputs.len(), "input");
        let left = if *undone == 0 { String::new() } else { format!(", {undone} left undone") };
        let methods: Vec<&str> = methods.iter().map(|method| &*method.name).collect();
        let range = match &*colors.range {
            "auto" => "each map's colours end at its own largest value".into(),
            number => format!("colours end at -{number} and {number}"),
        };
        write!(
            page,
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>agf: {count}, {name}</title>\n<style>\n{style}</style>\n</head>\n<body>\n<header>\n\
             <h1>Which pixels speak for which class</h1>\n<dl>\n\
             <dt>Network</dt><dd>{name}, weights: {weights}</dd>\n<dt>Methods</dt><dd>{methods}</dd>\n\
             <dt>Inputs</dt><dd>{count}{left}</dd>\n<dt>Computed by</dt><dd>agf {version}, {adapter}</dd>\n\
             <dt>Colours</dt><dd>against <span class=\"bar\" style=\"background: {gradient}\"></span> \
             for; {range}</dd>\n</dl>\n\
             <label class=\"wipe\">Wipe all <input id=\"all\" type=\"range\" value=\"100\"></label>\n</header>\n",
            name = Escaped(&model.name),
            weights = Escaped(&model.weights),
            methods = Escaped(&methods.join(", ")),
            adapter = Escaped(&adapter.name),
            gradient = gradient(&colors.colormap),
        )
    }
}

impl Input {
    fn name(&self) -> &Path {
        Path::new(self.owner.name())
    }

    fn files(&self) -> impl Iterator<Item = PathBuf> {
        let maps = self.maps.iter().map(|map| map_file(self.name(), map.class.class, &map.method));
        maps.chain([photo_file(self.name())])
    }

    fn write(&self, pictures: &Pictures, page: &mut impl Write) -> io::Result<()> {
        let index = self.owner.index.map_or(String::new(), |index| format!("[{index}]"));
        let title = format!("{}{index}", self.input);
        writeln!(page, "<section class=\"input\">\n<h2>{}</h2>", Escaped(&title))?;
        if let Some(Neighbour { input, similarity }) = &self.neighbour {
            let similarity = similarity.map_or(String::new(), |value| format!(", similarity {value:.3}"));
            writeln!(page, "<p>Set apart from {}{similarity}</p>", Escaped(input))?;
        }
        let photo = pictures.address(&photo_file(self.name()))?;
        writeln!(page, "<div class=\"row\">\n<figure class=\"photo\">\n<img src=\"{photo}\" alt=\"the photo\">")?;
        writeln!(page, "<figcaption>\n<table>")?;
        for class in &self.top5 {
            let (name, share) = (Escaped(&class.name), class.probability.unwrap_or_default());
            let percent = class.percent();
            writeln!(page, "<tr><td>{name}</td><td>{percent}</td><td><meter value=\"{share}\"></meter></td></tr>")?;
        }
        writeln!(page, "</table>\n</figcaption>\n</figure>")?;
        for map in &self.maps {
            let picture = pictures.address(&map_file(self.name(), map.class.class, &map.method))?;
            map.write(&picture, page)?;
        }
        writeln!(page, "</div>\n</section>")
    }
}

impl Class {
    fn percent(&self) -> String {
        self.probability.map_or("no number".into(), |share| format!("{:.1} %", share * 100.0))
    }
}

impl Map {
    fn write(&self, picture: &str, page: &mut impl Write) -> io::Result<()> {
        let (name, percent, method) = (Escaped(&self.class.name), self.class.percent(), Escaped(&self.method));
        writeln!(
            page,
            "<figure class=\"map\">\n\
             <div class=\"stack\"><img src=\"{picture}\" alt=\"map of {name} by {method}\"></div>\n\
             <input type=\"range\" value=\"100\" aria-label=\"wipe\">\n\
             <figcaption><b>{name}</b> {percent}, {method}<br>{}</figcaption>\n</figure>",
            self.numbers()
        )
    }

    fn numbers(&self) -> String {
        let mut parts = Vec::new();
        if let (Some(min), Some(max)) = (self.min, self.max) {
            let (min, max) = (Short(min.into()), Short(max.into()));
            parts.push(format!("values from {min} to {max}, sum {}", Short(self.sum)));
        }
        let audit = [
            ("gap of completeness", self.completeness_gap),
            ("lost at masks", self.mask_loss),
            ("sensitivity", self.sensitivity),
        ];
        parts.extend(audit.iter().filter_map(|(what, value)| Some(format!("{what} {}", Short((*value)?)))));
        if self.nan_count + self.infinite_count > 0 {
            parts.push(format!("{} NaN, {} infinite values", self.nan_count, self.infinite_count));
        }
        parts.join("; ")
    }
}

/// The pictures of the page.
struct Pictures<'a> {
    folder: &'a Path,
    are_embedded: bool,
}

impl Pictures<'_> {
    /// What an image element takes: the file itself, or where it lies.
    fn address(&self, file: &Path) -> io::Result<String> {
        if self.are_embedded {
            let content = fs::read(self.folder.join(file)).map_err(|error| named(file, &error))?;
            return Ok(format!("data:image/png;base64,{}", Base64Display::new(&content, &STANDARD)));
        }
        let parts: Vec<String> = file.iter().map(|part| encoded(&part.to_string_lossy())).collect();
        Ok(parts.join("/"))
    }
}

fn named(file: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("its picture {}: {error}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn report(name: &str) -> Report {
        let class = json!({"class": 3, "name": "<b>\"x\" & y", "probability": 0.25});
        let map = json!({"method": "agf", "class": 3, "name": "x", "probability": null, "min": -1, "max": 0.5,
            "sum": 1e-9, "nan_count": 1, "infinite_count": 0, "mask_loss": 0.0});
        let file = json!({"path": "/x.jpg", "bytes": 1, "modified": null});
        let input = json!({"input": "x.jpg", "index": 2, "name": name, "file": file, "top5": [class], "maps": [map]});
        serde_json::from_value(json!({
            "version": "1", "model": {"name": "m", "weights": "w"}, "adapter": {"name": "a"},
            "methods": [{"name": "agf"}], "colors": {"colormap": "gray", "range": "0.5"}, "inputs": [input],
            "failed": [{"error": "<no>"}], "undone": 4
        }))
        .unwrap()
    }

    fn write_picture(folder: &Path, file: &Path, bytes: u64) {
        let path = folder.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, b"abc").unwrap();
        fs::File::options().write(true).open(path).unwrap().set_len(bytes).unwrap();
    }

    #[test]
    fn few_pictures_are_inside_and_many_beside() {
        let (folder, name) = (tempfile::tempdir().unwrap(), "a #/ü?");
        for (bytes, photo, map) in [
            (3, "data:image/png;base64,YWJj", "data:image/png;base64,YWJj"),
            (EMBEDDED_BYTES / 2 + 1, "page/a%20%23/%C3%BC%3F.photo.png", "page/a%20%23/%C3%BC%3F.3.agf.png"),
        ] {
            write_picture(folder.path(), &photo_file(Path::new(name)), bytes);
            write_picture(folder.path(), &map_file(Path::new(name), 3, "agf"), bytes);
            let mut page = Vec::new();
            report(name).write(folder.path(), &mut page).unwrap();
            let page = String::from_utf8(page).unwrap();
            assert!(
                page.contains(&format!("<img src=\"{photo}\"")) && page.contains(&format!("<img src=\"{map}\"")),
                "{page}"
            );
            for words in
                ["x.jpg[2]", "&lt;b&gt;&quot;x&quot; &amp; y", "&lt;no&gt;", "4 left undone", "25.0 %", "no number"]
            {
                assert!(page.contains(words), "{words} is missing in {page}");
            }
            assert!(
                page.contains("values from -1.000 to 0.500, sum 1.00e-9; lost at masks 0; 1 NaN, 0 infinite values")
            );
            assert!(!page.contains("http"), "the page needs something from elsewhere");
        }
    }

    #[test]
    fn a_picture_that_is_gone_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = report("gone").write(folder.path(), &mut Vec::new()).unwrap_err();
        assert!(error.to_string().contains("gone"), "{error}");
    }
}
