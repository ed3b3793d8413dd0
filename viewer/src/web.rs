//! The page in the browser.

use crate::app::Viewer;
use crate::options::Options;
use crate::photos::{Photos, Source};
use crate::{classes, graphics};
use eframe::egui::{FontData, FontDefinitions, FontFamily};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::HtmlCanvasElement;

/// The viewer on a canvas, and after a loss of its device the next one.
#[wasm_bindgen]
pub struct Page {
    runner: Runner,
}

type Runner = Rc<RefCell<eframe::WebRunner>>;

#[wasm_bindgen]
extern "C" {
    /// Of `start.js`; what is chosen comes as if it were dropped.
    #[wasm_bindgen(js_name = choosePhotos)]
    fn choose_photos();
}

/// Opens a viewer on the canvas. When its device is lost another one takes its place.
async fn open(shared: Runner, canvas: HtmlCanvasElement, options: Options) -> Result<(), JsValue> {
    let runner = eframe::WebRunner::new();
    let web = eframe::WebOptions { wgpu_options: graphics(false), ..Default::default() };
    let (heir, place) = (shared.clone(), canvas.clone());
    let on_lost = move |left| {
        let (shared, canvas) = (heir.clone(), place.clone());
        // It is called within a frame, which has to end first.
        spawn_local(async move {
            shared.borrow().destroy();
            if let Err(error) = open(shared, canvas, left).await {
                wasm_bindgen::throw_val(error);
            }
        });
    };
    let create = move |context: &eframe::CreationContext<'_>| {
        context.egui_ctx.set_fonts(fonts());
        let viewer = Viewer::new(context, options, on_lost)?;
        Ok(Box::new(viewer) as Box<dyn eframe::App>)
    };
    runner.start(canvas, web, Box::new(create)).await?;
    shared.replace(runner);
    Ok(())
}

/// The library's font of 20 kB; those that egui brings are 700 kB.
fn fonts() -> FontDefinitions {
    const FONT: &[u8] = include_bytes!("../../src/image/fonts/DejaVuSans-Latin1.ttf");
    let (mut fonts, name) = (FontDefinitions::empty(), "DejaVu Sans");
    fonts.font_data.insert(name.into(), Arc::new(FontData::from_static(FONT)));
    for family in [FontFamily::Proportional, FontFamily::Monospace] {
        fonts.families.insert(family, vec![name.into()]);
    }
    fonts
}

impl Viewer {
    /// Opens the browser's dialog for photos.
    pub(crate) fn open(&self) {
        choose_photos();
    }
}

#[wasm_bindgen]
impl Page {
    /// Starts the viewer with the network that is part of the page.
    ///
    /// # Errors
    /// Where the browser gives no WebGPU device, in words.
    pub async fn start(canvas: HtmlCanvasElement) -> Result<Page, JsValue> {
        let runner = Rc::new(RefCell::new(eframe::WebRunner::new()));
        open(runner.clone(), canvas, Options::default()).await?;
        Ok(Page { runner })
    }

    fn runner(&self) -> eframe::WebRunner {
        self.runner.borrow().clone()
    }

    /// Looks at a photo: the content of a file, and its name.
    pub fn open(&self, name: String, bytes: Vec<u8>) {
        let runner = self.runner();
        if let Some(mut viewer) = runner.app_mut::<Viewer>() {
            viewer.show_photos(Photos::of(vec![Source::Bytes { name, bytes: bytes.into() }]));
        }
    }

    /// Whether nothing is on its way.
    pub fn is_settled(&self) -> bool {
        let runner = self.runner();
        runner.app_mut::<Viewer>().is_some_and(|viewer| viewer.is_settled())
    }

    /// What is to be said, if anything is.
    pub fn message(&self) -> Option<String> {
        let runner = self.runner();
        let panicked = runner.panic_summary().map(|summary| summary.message());
        panicked.or_else(|| runner.app_mut::<Viewer>()?.message().map(str::to_owned))
    }

    /// The class of the first map; `undefined` before there is one.
    pub fn class(&self) -> Option<u32> {
        let runner = self.runner();
        runner.app_mut::<Viewer>()?.maps().next().map(|map| map.class)
    }

    /// The probability of the first map's class.
    pub fn probability(&self) -> Option<f32> {
        let runner = self.runner();
        let viewer = runner.app_mut::<Viewer>()?;
        let class = viewer.maps().next()?.class;
        classes::probabilities(viewer.logits().0).get(class as usize).copied()
    }

    /// The values of the first map, row by row.
    pub fn map(&self) -> Option<Vec<f32>> {
        let runner = self.runner();
        runner.app_mut::<Viewer>()?.maps().next().map(|map| map.values.clone())
    }
}
