//! A window without a screen, and what a user does with it.

use agf_viewer::{Options, Viewer, graphics};
use eframe::egui;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

/// The longest that anything may take here.
const PATIENCE: Duration = Duration::from_secs(120);

pub const PANDA: u32 = 388;
pub const MACAW: u32 = 88;

pub fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples").join(name)
}

/// A window, the folder that it saves to, and what it leaves to the next one.
pub struct Window {
    pub harness: Harness<'static, Viewer>,
    pub folder: tempfile::TempDir,
    pub left: Rc<RefCell<Option<Options>>>,
}

/// How a window is made.
pub struct Look {
    pub size: egui::Vec2,
    pub scale: f32,
    pub theme: egui::Theme,
    pub webgpu_limits: bool,
}

impl Default for Look {
    fn default() -> Self {
        Self { size: egui::vec2(960.0, 640.0), scale: 1.0, theme: egui::Theme::Dark, webgpu_limits: false }
    }
}

impl Window {
    pub fn of(options: Options) -> Self {
        Self::with(Look::default(), options)
    }

    pub fn with(look: Look, options: Options) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let left = Rc::new(RefCell::new(None));
        let heir = left.clone();
        let options = Options { folder: folder.path().into(), ..options };
        let harness = Harness::builder()
            .with_size(look.size)
            .with_pixels_per_point(look.scale)
            .with_theme(look.theme)
            .with_step_dt(1.0 / 30.0)
            .with_render_cursor(false)
            .wgpu_setup(graphics(look.webgpu_limits).wgpu_setup)
            .build_eframe(|context| {
                Viewer::new(context, options, move |left| *heir.borrow_mut() = Some(left)).unwrap()
            });
        Self { harness, folder, left }
    }

    /// A window on a sample photo, which is explained.
    pub fn on(name: &str) -> Self {
        let mut window = Self::of(Options { path: Some(sample(name)), ..Default::default() });
        window.settle();
        window
    }

    pub fn viewer(&self) -> &Viewer {
        self.harness.state()
    }

    /// Goes on until the window is as wanted.
    pub fn wait(&mut self, is_reached: impl Fn(&Viewer) -> bool) {
        let begin = Instant::now();
        while !is_reached(self.viewer()) {
            let message = self.viewer().message();
            assert!(begin.elapsed() < PATIENCE, "nothing happens; {message:?}");
            std::thread::sleep(Duration::from_millis(5));
            self.harness.step();
        }
        self.harness.run_steps(3);
    }

    /// Goes on until the window has noticed that its device is lost.
    pub fn wait_for_loss(&mut self) {
        let left = self.left.clone();
        self.wait(move |_| left.borrow().is_some());
    }

    pub fn settle(&mut self) {
        self.wait(Viewer::is_settled);
        assert!(self.viewer().maps().all(|map| map.nan_count() + map.infinite_count() == 0));
    }

    /// Clicks what is labelled so, and waits for what comes of it.
    pub fn click(&mut self, label: &str) {
        self.harness.get_by_label(label).click();
        self.harness.run_steps(2);
        self.settle();
    }

    pub fn press(&mut self, key: egui::Key) {
        self.harness.key_press(key);
        self.harness.run_steps(2);
    }

    /// The line of a class in the list.
    pub fn class<'a>(&'a self, name: &'a str) -> egui_kittest::Node<'a> {
        self.harness.get_by(move |node| node.label().is_some_and(|label| label.starts_with(name)))
    }

    pub fn set(&mut self, slider: &str, value: f64) {
        self.harness.get_by_role_and_label(egui::accesskit::Role::Slider, slider).set_value_accesskit(value);
        self.harness.step();
    }

    /// The picture of the window.
    pub fn picture(&mut self) -> image::RgbaImage {
        self.harness.render().unwrap()
    }

    /// Holds the window to a picture that is kept. What differs from run to run, times and adapters, is at its lower
    /// edge.
    pub fn hold_to(&mut self, name: &str) {
        let size = self.harness.ctx.content_rect().size();
        let edge = egui::Rect::from_min_max(egui::pos2(0.0, size.y - 24.0), size.to_pos2());
        self.harness.mask(edge);
        self.harness.snapshot(name);
    }

    pub fn classes(&self) -> Vec<u32> {
        self.viewer().maps().map(|map| map.class).collect()
    }

    /// What has been saved, with such an ending.
    pub fn saved(&self, ending: &str) -> Vec<PathBuf> {
        files(self.folder.path(), ending)
    }
}

/// Files of a folder with such an ending, by their names.
pub fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|found| found == ending)).collect();
    files.sort();
    files
}

/// Pixels in which two pictures differ.
pub fn difference(a: &image::RgbaImage, b: &image::RgbaImage) -> usize {
    a.pixels().zip(b.pixels()).filter(|(a, b)| a != b).count()
}
