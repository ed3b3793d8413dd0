//! How maps are looked at, and their textures on the screen.

use crate::picture::texture;
use crate::question::Shown;
use agf::display::{Display, Limit, Painting, Region, Sign};
use agf::image::{Colormap, Range};
use agf::{Gpu, wgpu};
use eframe::egui::mutex::RwLock;
use eframe::egui::{TextureId, Vec2};
use eframe::egui_wgpu::Renderer;
use std::sync::Arc;

/// The share of a map's magnitudes, in thousandths, that lies within its colours: as in the files that `agf-run`
/// writes.
const AUTOMATIC: Limit = Limit::PerMille(995);

/// Which values get the end colours.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum RangeChoice {
    /// Each map's own strongest values.
    #[default]
    Automatic,
    /// The strongest values of all maps.
    Linked,
    /// A number.
    Fixed,
}

/// What is seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// The map on the photo.
    #[default]
    Both,
    /// The map alone.
    Map,
    /// The photo alone.
    Photo,
}

/// How maps are looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// What is seen.
    pub mode: Mode,
    /// Colours.
    pub colormap: Colormap,
    /// Which values get the end colours.
    pub range: RangeChoice,
    /// The value of a fixed range.
    pub fixed: f32,
    /// Which values are shown.
    pub sign: Sign,
    /// Opacity of the strongest colours on the photo.
    pub opacity: f32,
    /// The photo is seen left of this share of the width.
    pub wipe: f32,
    /// Enlargement.
    pub zoom: f32,
    /// Where the middle of the screen lies in the photo, in shares of its size from its middle.
    pub center: Vec2,
}

impl Default for View {
    fn default() -> Self {
        Self {
            mode: Mode::Both,
            colormap: Colormap::default(),
            range: RangeChoice::Automatic,
            fixed: 1.0,
            sign: Sign::Both,
            opacity: 0.8,
            wipe: 0.0,
            zoom: 1.0,
            center: Vec2::ZERO,
        }
    }
}

impl View {
    /// The value that gets the end colour.
    fn limit(&self, maps: &[Shown]) -> Limit {
        match self.range {
            RangeChoice::Automatic => AUTOMATIC,
            RangeChoice::Fixed => Limit::Fixed(self.fixed),
            RangeChoice::Linked => {
                let views = maps.iter().filter_map(|shown| shown.view().ok());
                match Range::shared(&views.collect::<Vec<_>>()) {
                    Range::Auto => AUTOMATIC,
                    Range::Fixed(limit) => Limit::Fixed(limit),
                }
            }
        }
    }

    /// What can be painted differently without another map.
    fn painting<'a>(&self, shown: &'a Shown, limit: Limit, region: Region) -> Painting<'a> {
        Painting {
            colormap: self.colormap,
            limit,
            sign: self.sign,
            is_alone: self.mode == Mode::Map,
            opacity: self.opacity,
            wipe: if self.mode == Mode::Photo { 1.0 } else { self.wipe },
            ..Painting::of(shown.stored(), region)
        }
    }
}

/// A texture on the screen.
struct Cell {
    texture: wgpu::Texture,
    id: TextureId,
}

/// The textures of maps on the screen.
pub struct Cells {
    gpu: Gpu,
    renderer: Arc<RwLock<Renderer>>,
    cells: Vec<Cell>,
}

impl Cells {
    /// No textures yet.
    pub fn new(gpu: &Gpu, renderer: Arc<RwLock<Renderer>>) -> Self {
        Self { gpu: gpu.clone(), renderer, cells: Vec::new() }
    }

    /// The screen's name of a map's texture.
    pub fn id(&self, index: usize) -> Option<TextureId> {
        self.cells.get(index).map(|cell| cell.id)
    }

    /// A map's texture.
    pub fn texture(&self, index: usize) -> Option<&wgpu::Texture> {
        self.cells.get(index).map(|cell| &cell.texture)
    }

    /// Paints all maps over the photo.
    ///
    /// # Errors
    /// Where a value of the view cannot be used, in words.
    pub fn paint(
        &mut self,
        display: &Display,
        photo: &wgpu::Texture,
        region: Region,
        maps: &[Shown],
        view: &View,
    ) -> Result<(), String> {
        self.fit(maps.len(), photo);
        let mut encoder = self.gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let limit = view.limit(maps);
        for (shown, cell) in maps.iter().zip(&self.cells) {
            let painting = view.painting(shown, limit.clone(), region);
            display.paint(&mut encoder, photo, &cell.texture, &painting).map_err(|error| error.to_string())?;
        }
        self.gpu.queue().submit([encoder.finish()]);
        Ok(())
    }

    /// Makes so many textures of the photo's size.
    fn fit(&mut self, count: usize, photo: &wgpu::Texture) {
        let size = (photo.width(), photo.height());
        let mut renderer = self.renderer.write();
        let fits = |cell: &Cell| (cell.texture.width(), cell.texture.height()) == size;
        if self.cells.iter().any(|cell| !fits(cell)) {
            self.cells.drain(..).for_each(|cell| renderer.free_texture(&cell.id));
        }
        self.cells.drain(count.min(self.cells.len())..).for_each(|cell| renderer.free_texture(&cell.id));
        while self.cells.len() < count {
            let usage = wgpu::TextureUsages::STORAGE_BINDING
                | wgpu::TextureUsages::TEXTURE_BINDING
                | wgpu::TextureUsages::COPY_SRC;
            let texture = self.gpu.device().create_texture(&texture("painted map", size.0, size.1, usage));
            let view = texture.create_view(&wgpu::TextureViewDescriptor::default());
            let id = renderer.register_native_texture(self.gpu.device(), &view, wgpu::FilterMode::Linear);
            self.cells.push(Cell { texture, id });
        }
    }
}
