//! The viewer: what it knows, what it asks, and what comes of it.

use crate::classes::Choice;
use crate::explanation::Explanation;
use crate::frames::Frames;
use crate::health::Health;
use crate::measurement::Measurement;
use crate::network::Network;
use crate::options::Options;
use crate::photos::Photos;
use crate::picture::Picture;
use crate::question::{Answer, Question};
use crate::run::in_small_steps;
use crate::truth::Truth;
#[cfg(not(target_arch = "wasm32"))]
use crate::ui::Opener;
use crate::view::{Cells, View};
use crate::worker::{Event, Job, Worker};
use agf::display::Display;
use agf::models::Model;
use agf::{Batch, Gpu, Method, wgpu};
use eframe::egui;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use web_time::Duration;

/// A picture on the way through the viewer.
pub struct Loaded {
    /// The picture.
    pub picture: Box<Picture>,
    /// What the network gets of it.
    pub batch: Arc<Batch>,
    /// The photo on the GPU.
    pub texture: wgpu::Texture,
}

/// Who is told what the next viewer should begin with.
type OnLost = Box<dyn FnMut(Options)>;

/// The window's content. All that it does with the GPU goes through the library's public interface.
pub struct Viewer {
    pub(crate) network: Network,
    pub(crate) folder: PathBuf,
    pub(crate) measurement: Measurement,
    pub(crate) gpu: Gpu,
    pub(crate) health: Health,
    pub(crate) is_lost: bool,
    pub(crate) on_lost: OnLost,
    pub(crate) worker: Worker,
    pub(crate) display: Option<Display>,
    pub(crate) model: Option<Model>,
    pub(crate) photos: Photos,
    /// Whether a photo is being read.
    pub(crate) is_arriving: bool,
    pub(crate) loaded: Option<Loaded>,
    /// What the network makes of the photo; empty before it has answered.
    pub(crate) logits: Vec<f32>,
    /// How long that took.
    pub(crate) forward: Duration,
    pub(crate) explanation: Explanation,
    pub(crate) answer: Answer,
    pub(crate) choice: Choice,
    pub(crate) methods: Vec<Method>,
    pub(crate) audit: bool,
    pub(crate) search: String,
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) opener: Opener,
    pub(crate) view: View,
    pub(crate) cells: Cells,
    /// What the textures of the cells show.
    pub(crate) painted: Option<View>,
    pub(crate) truth: Truth,
    /// The pixel of the network's input that the keyboard points at.
    pub(crate) cursor: Option<egui::Vec2>,
    pub(crate) frames: Frames,
    pub(crate) message: Option<String>,
    pub(crate) is_help_open: bool,
    /// Whether the GPU has not drawn yet what it has.
    #[cfg(target_arch = "wasm32")]
    pub(crate) is_drawing: Arc<std::sync::atomic::AtomicBool>,
}

impl Viewer {
    /// A viewer on the device that the window draws with. `on_lost` is told what the next viewer should begin with,
    /// should that device be lost; the window closes then.
    ///
    /// # Errors
    /// Where there is no wgpu device, or it lacks what the engine needs, in words.
    pub fn new(
        context: &eframe::CreationContext<'_>,
        options: Options,
        on_lost: impl FnMut(Options) + 'static,
    ) -> Result<Self, String> {
        crate::ui::set_contrast(&context.egui_ctx);
        let state = context.wgpu_render_state.as_ref().ok_or("the window is not drawn by wgpu")?;
        let gpu = Gpu::adopt(state.device.clone(), state.queue.clone()).map_err(|error| error.to_string())?;
        let gpu = in_small_steps(&gpu);
        let woken = context.egui_ctx.clone();
        let worker = Worker::start(gpu.clone(), move || woken.request_repaint());
        worker.send(Job::Open(options.network.clone()));
        if let Some(path) = options.path.clone() {
            worker.send(Job::List(path));
        }
        Ok(Self {
            network: options.network,
            folder: options.folder,
            measurement: if options.measures_frames { Measurement::Explaining } else { Measurement::Off },
            health: Health::of(gpu.device(), &context.egui_ctx),
            is_lost: false,
            on_lost: Box::new(on_lost),
            worker,
            display: None,
            model: None,
            is_arriving: options.path.is_some(),
            photos: options.photos,
            loaded: None,
            logits: Vec::new(),
            forward: Duration::ZERO,
            explanation: Explanation::new(&gpu),
            answer: Answer::default(),
            choice: options.choice,
            methods: options.methods,
            audit: false,
            search: String::new(),
            #[cfg(not(target_arch = "wasm32"))]
            opener: Opener::default(),
            view: options.view,
            cells: Cells::new(&gpu, state.renderer.clone()),
            painted: None,
            truth: Truth::default(),
            cursor: None,
            frames: Frames::default(),
            message: options.notice,
            is_help_open: false,
            #[cfg(target_arch = "wasm32")]
            is_drawing: Arc::default(),
            gpu,
        })
    }

    /// Opens a photo or a folder of photos.
    pub fn open_path(&mut self, path: &Path) {
        (self.message, self.is_arriving) = (None, true);
        self.worker.send(Job::List(path.into()));
    }

    /// Looks at these photos from now on.
    pub fn show_photos(&mut self, photos: Photos) {
        self.photos = photos;
        self.look();
    }

    /// Goes to another photo of the row.
    pub fn go(&mut self, by: isize) {
        if self.photos.go(by) {
            self.message = None;
            self.look();
        }
    }

    /// Opens another network.
    pub fn open_network(&mut self, network: Network) {
        self.explanation.cancel();
        (self.message, self.model) = (None, None);
        self.worker.send(Job::Open(network));
    }

    /// Reads the photo that is looked at.
    fn look(&mut self) {
        if let (Some(source), Some(model)) = (self.photos.current(), &self.model) {
            self.explanation.cancel();
            self.is_arriving = true;
            self.worker.send(Job::Look(source.clone(), model.input_spec()));
        }
    }

    /// Asks for maps of the chosen classes by the chosen methods, or for the classes' logits where these are not known
    /// yet.
    pub(crate) fn ask(&mut self) {
        let Some(loaded) = &self.loaded else { return };
        let is_first = self.logits.is_empty();
        let (methods, targets) = match is_first {
            true => (vec![Method::default()], Vec::new()),
            false => (self.methods.clone(), self.choice.targets(&self.logits)),
        };
        let question = Question { picture: loaded.batch.clone(), methods, targets, audit: self.audit && !is_first };
        self.explanation.ask(question, &self.worker);
    }

    pub(crate) fn take_events(&mut self, context: &egui::Context) {
        for event in self.worker.events() {
            if let Err(error) = self.take(event, context) {
                self.explanation.cancel();
                self.message = Some(error);
            }
        }
    }

    fn take(&mut self, event: Event, context: &egui::Context) -> Result<(), String> {
        match event {
            Event::Display(display) => self.display = Some(*display?),
            Event::Network(network, model) => self.take_network(network, *model?),
            Event::Photos(photos) => {
                self.is_arriving = photos.is_ok();
                self.show_photos(photos?);
            }
            Event::Picture(picture) => {
                self.is_arriving = false;
                (self.loaded, self.logits, self.answer) = (None, Vec::new(), Answer::default());
                self.take_picture(picture?);
            }
            Event::Prepared { ticket, session } => self.explanation.prepared(ticket, session)?,
            Event::Read { ticket, explained } => {
                self.explanation.read(ticket, explained, &mut self.answer, &self.worker)?;
                self.painted = None;
                if self.logits.is_empty() && !self.answer.logits.is_empty() {
                    (self.logits, self.forward) = (self.answer.logits.clone(), self.answer.time);
                    self.ask();
                }
            }
            Event::Perturbed { ticket, perturbed } => {
                if let Some(loaded) = &self.loaded {
                    self.truth.answered(ticket, perturbed, &loaded.picture, context)?;
                }
            }
            Event::Saved(saved) => self.message = Some(saved?),
        }
        Ok(())
    }

    fn take_network(&mut self, network: Network, model: Model) {
        if !model.notes.is_empty() {
            self.message = Some(model.notes.join("\n"));
        }
        if self.network != network {
            (self.network, self.choice) = (network, Choice::default());
        }
        self.model = Some(model);
        self.look();
    }

    fn take_picture(&mut self, picture: Box<Picture>) {
        let texture = picture.texture(self.gpu.device(), self.gpu.queue());
        self.loaded = Some(Loaded { batch: Arc::new(picture.batch()), texture, picture });
        self.truth.clear();
        self.cursor = None;
        self.ask();
    }
}
