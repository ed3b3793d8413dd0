//! The front door: a model on a GPU, from normalised pictures to class-specific maps.

mod audit;
mod batches;
mod cost;
mod facts;
#[cfg(feature = "evaluation")]
mod in_place;
mod variations;
mod wired;

pub use cost::{Cost, Progress};

use crate::batch::Batch;
use crate::error::Error;
use crate::gpu::{Gpu, GpuError, WeightStore};
use crate::map::Explained;
use crate::methods::{Method, Variation};
use crate::models::{InputSpec, Model, Reference};
use crate::platform::Stopwatch;
use crate::session::{Session, SessionShape};
use crate::target::Target;
use batches::in_batches;
use facts::Asked;
use std::ops::{ControlFlow, Range};
use wired::{Purpose, Wired};

/// A model on a GPU. Sessions for the sizes seen last are kept, weights for good.
pub struct Explainer {
    gpu: Gpu,
    model: Model,
    method: Method,
    audit: bool,
    store: WeightStore,
    /// Graphs, the one used last first.
    wired: Vec<Wired>,
    /// Sessions, the one used last first.
    sessions: Vec<Session>,
    /// Most bytes of values and weights of a session.
    max_bytes: Option<u64>,
    on_progress: Option<Box<OnProgress>>,
    /// The network up to its penultimate vector.
    embedding: Option<Box<Explainer>>,
    /// Whether the network itself gives logits that would be odd of others.
    has_odd_logits: bool,
    /// Whether it gives maps that would be.
    has_odd_maps: bool,
}

/// What is told after every run, and says whether to go on.
type OnProgress = dyn FnMut(Progress) -> ControlFlow<()> + Send;

/// Sessions kept at a time.
const SESSIONS: usize = 2;

/// Graphs kept at a time: one for every method of a panel, and the forward pass.
const WIRED: usize = 16;

impl Explainer {
    /// Uploads nothing yet: plans, pipelines and weights are made for the first picture of each size.
    pub fn new(gpu: &Gpu, model: &Model, method: impl Into<Method>) -> Self {
        Self {
            gpu: gpu.clone(),
            model: model.clone(),
            method: method.into(),
            audit: false,
            store: WeightStore::default(),
            wired: Vec::new(),
            sessions: Vec::new(),
            max_bytes: None,
            on_progress: None,
            embedding: None,
            has_odd_logits: false,
            has_odd_maps: false,
        }
    }

    /// The method that explains.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// Explains with another method from now on. Weights that are on the GPU stay there.
    pub fn set_method(&mut self, method: impl Into<Method>) {
        self.method = method.into();
    }

    /// Whether maps also say from now on how far the method's promises are kept:
    /// [`Map::completeness_gap`](crate::Map::completeness_gap), [`Map::mask_loss`](crate::Map::mask_loss) and
    /// [`Map::conservation`](crate::Map::conservation). That takes more dispatches, and integrated gradients a
    /// further picture; the maps stay the same to the bit. Off at first.
    pub fn set_audit(&mut self, audit: bool) {
        self.audit = audit;
    }

    /// Cuts batches so that values and weights of one session take at most so many bytes of GPU memory; `None`, the
    /// default, leaves it to the adapter's limits and memory. Staging for uploads and results is not counted.
    pub fn limit_memory(&mut self, max_bytes: Option<u64>) {
        self.max_bytes = max_bytes;
        self.wired.clear();
        self.sessions.clear();
        self.embedding = None;
    }

    /// Works on another device from now on, as after the loss of the one before. Everything that was made there is
    /// given up, and made anew when it is needed; settings stay.
    pub fn set_gpu(&mut self, gpu: &Gpu) {
        self.gpu = gpu.clone();
        self.store = WeightStore::default();
        self.wired.clear();
        self.sessions.clear();
        self.embedding = None;
    }

    /// Calls back after every run of [`Explainer::explain`]. Where it breaks before the last run, that call ends with
    /// [`Error::Stopped`] and without results.
    pub fn on_progress(&mut self, callback: impl FnMut(Progress) -> ControlFlow<()> + Send + 'static) {
        self.on_progress = Some(Box::new(callback));
    }

    fn report_progress(&mut self, done: usize, total: usize) -> Result<(), Error> {
        let Some(callback) = &mut self.on_progress else { return Ok(()) };
        match callback(Progress { done: done as u64, total: total as u64 }) {
            ControlFlow::Break(()) if done < total => Err(Error::Stopped),
            ControlFlow::Break(()) | ControlFlow::Continue(()) => Ok(()),
        }
    }

    /// Explains `targets[i]` of picture i; the numbers of targets may differ. A picture's bits do not depend on the
    /// others in its batch. Where the batch is too large for the adapter's limits or memory it is cut into several
    /// runs.
    ///
    /// # Errors
    /// [`Error`] where the pictures do not fit the network or the device, a class does not exist, or the GPU fails.
    pub async fn explain(&mut self, batch: &Batch, targets: &[Vec<Target>]) -> Result<(Vec<Explained>, Cost), Error> {
        batch.check(self.channels())?;
        if targets.len() != batch.count as usize {
            let found = format!("{} with targets for {}", batch.describe(), targets.len());
            return Err(Error::Batch { found, wanted: "targets for every picture".into() });
        }
        match self.method.schedule() {
            Some(schedule) if targets.iter().any(|targets| !targets.is_empty()) => {
                self.explain_variations(batch, targets, schedule).await
            }
            _ => self.explain_at_once(batch, targets).await,
        }
    }

    /// Channels of the network's pictures.
    fn channels(&self) -> u32 {
        self.model.input_spec().order.channels()
    }

    async fn explain_at_once(
        &mut self,
        batch: &Batch,
        targets: &[Vec<Target>],
    ) -> Result<(Vec<Explained>, Cost), Error> {
        let slots = targets.iter().map(Vec::len).max().unwrap_or(0) as u32;
        let shape = SessionShape { count: batch.count, height: batch.height, width: batch.width, slots };
        let mut cost = Cost::default();
        let largest = self.largest_batch(shape)?;
        let total = batch.count as usize;
        let run = async |pictures: Range<usize>| {
            let part = batch.select(pictures.clone());
            let explained = self.run(&part, &targets[pictures.clone()], slots, None, &mut cost).await?;
            self.report_progress(pictures.end, total)?;
            Ok(explained)
        };
        let explained = in_batches(total, largest, run).await?;
        Ok((explained, cost))
    }

    /// The most pictures of this size that fit the adapter's limits at a time.
    pub(crate) fn largest_batch(&mut self, shape: SessionShape) -> Result<u32, Error> {
        Ok(self.wired(shape)?.largest())
    }

    /// The graph for pictures of this size, made if it is not there.
    fn wired(&mut self, shape: SessionShape) -> Result<&mut Wired, Error> {
        let purpose = Purpose::new(&self.method, self.audit, shape);
        let wired = match self.wired.iter().position(|wired| *wired.purpose() == purpose) {
            Some(position) => self.wired.remove(position),
            None => {
                let profile = self.gpu.profile().with_precision(self.model.precision);
                Wired::new(&self.model, &self.method, purpose, profile, self.max_bytes)?
            }
        };
        self.wired.truncate(WIRED - 1);
        self.wired.insert(0, wired);
        Ok(&mut self.wired[0])
    }

    /// The logits alone, without explanation: one vector per picture.
    ///
    /// # Errors
    /// As [`Explainer::explain`].
    pub async fn predict(&mut self, batch: &Batch) -> Result<(Vec<Vec<f32>>, Cost), Error> {
        let targets = vec![Vec::new(); batch.count as usize];
        let (explained, cost) = self.explain(batch, &targets).await?;
        Ok((explained.into_iter().map(|picture| picture.logits).collect(), cost))
    }

    /// The penultimate vectors, one per picture, each flattened channel by channel (see [`Model::embedding`]). Weights
    /// that are on the GPU stay there.
    ///
    /// # Errors
    /// As [`Explainer::explain`].
    pub async fn embed(&mut self, batch: &Batch) -> Result<(Vec<Vec<f32>>, Cost), Error> {
        let embedding = match &mut self.embedding {
            Some(embedding) => embedding,
            None => {
                let model = self.model.embedding()?;
                let explainer = Self { max_bytes: self.max_bytes, ..Self::new(&self.gpu, &model, self.method.clone()) };
                self.embedding.insert(Box::new(explainer))
            }
        };
        // Both networks have one body, so that its weights serve both.
        std::mem::swap(&mut embedding.store, &mut self.store);
        let pictures = Batch { neighbours: Vec::new(), ..batch.clone() };
        let answer = embedding.predict(&pictures).await;
        if let Some(embedding) = &mut self.embedding {
            std::mem::swap(&mut embedding.store, &mut self.store);
        }
        answer
    }

    /// Compares pictures with other references of the same number from now on, for a network that [`Model::like`] made.
    /// No plan is made anew: they are written into the memory that all of this explainer's sessions share, through
    /// the queue and without waiting.
    ///
    /// # Errors
    /// [`LikenessError`](crate::models::LikenessError) where the references do not fit the network.
    pub fn set_references(&mut self, references: &[Reference], temperature: f32) -> Result<(), Error> {
        self.model = self.model.with_references(references, temperature)?;
        if let Some(layer) = self.model.recipe.references() {
            let InputSpec { height, width, .. } = self.model.input_spec();
            let graph = self.model.build(height, width)?.graph;
            self.store.rewrite(&self.gpu, &graph, &self.model.weights, layer);
        }
        Ok(())
    }

    /// The plan for pictures of this shape as text: step by step with FLOPs, bytes and memory.
    ///
    /// # Errors
    /// Where the pictures do not fit the network or the device.
    pub fn plan_text(&mut self, shape: SessionShape) -> Result<String, Error> {
        let wired = self.wired(shape)?;
        let largest = wired.largest();
        let plan = wired.take_plan(shape.count.min(largest))?;
        Ok(format!("{plan}pictures at a time on this adapter: at most {largest}\n"))
    }

    /// A session for pictures of this shape, made if it is not there: for hosts that record it themselves. The
    /// explainer keeps the last few; what it drops stays alive as long as the host holds it.
    ///
    /// # Errors
    /// As [`Explainer::explain`].
    pub async fn session(&mut self, shape: SessionShape) -> Result<Session, Error> {
        let wiring = self.wired(shape)?.wiring().clone();
        let session = match self.sessions.iter().position(|session| session.is_of(&wiring, shape.count)) {
            Some(position) => self.sessions.remove(position),
            None => {
                self.sessions.truncate(if self.max_bytes.is_some() { 0 } else { SESSIONS - 1 });
                let plan = self.wired(shape)?.take_plan(shape.count)?;
                Session::new(&self.gpu, &self.model, &mut self.store, shape, wiring, plan).await?
            }
        };
        self.sessions.insert(0, session.clone());
        Ok(session)
    }

    /// One batch.
    async fn run(
        &mut self,
        batch: &Batch,
        targets: &[Vec<Target>],
        slots: u32,
        variations: Option<&[Variation]>,
        cost: &mut Cost,
    ) -> Result<Vec<Explained>, Error> {
        let result = self.try_run(batch, targets, slots, variations, cost).await;
        self.make_room(result)
    }

    /// Drops all sessions where memory ran out, so that a smaller batch has room.
    fn make_room<T>(&mut self, result: Result<T, Error>) -> Result<T, Error> {
        if let Err(Error::Gpu(GpuError::OutOfMemory { .. })) = result {
            self.sessions.clear();
        }
        result
    }

    async fn try_run(
        &mut self,
        batch: &Batch,
        targets: &[Vec<Target>],
        slots: u32,
        variations: Option<&[Variation]>,
        cost: &mut Cost,
    ) -> Result<Vec<Explained>, Error> {
        let mut watch = Stopwatch::start();
        let Batch { count, height, width, .. } = *batch;
        let session = self.session(SessionShape { count, height, width, slots }).await?;
        cost.prepare_ms += watch.lap();
        let asked = Asked { batch, targets, variations };
        let explained = self.ask(&session, &asked, cost).await?;
        if variations.is_none() {
            self.check_facts(batch, explained.iter().map(|picture| &picture.logits[..]))?;
        }
        self.check_maps(&session, &asked, &explained).await?;
        let bytes = self.sessions.iter().map(|session| session.plan().value_bytes()).sum::<u64>();
        cost.gpu_bytes = cost.gpu_bytes.max(bytes + self.store.bytes());
        Ok(explained)
    }

    /// Writes what is asked, runs and reads.
    async fn ask(&self, session: &Session, asked: &Asked<'_>, cost: &mut Cost) -> Result<Vec<Explained>, Error> {
        let Asked { batch, targets, variations } = *asked;
        let mut watch = Stopwatch::start();
        let write = || {
            session.write_pictures(batch)?;
            for slot in 0..session.shape().slots {
                let of_slot = |targets: &Vec<Target>| targets.get(slot as usize).copied().unwrap_or(Target::Rank(0));
                session.write_targets(slot, &targets.iter().map(of_slot).collect::<Vec<_>>())?;
            }
            variations.map_or(Ok(()), |variations| session.write_variations(variations))
        };
        self.gpu.checked("uploading pictures", 4 * batch.data.len() as u64, write).await??;
        cost.upload_ms += watch.lap();
        session.run().await?;
        cost.gpu_ms += watch.lap();
        let mut explained = session.read().await?;
        for (picture, targets) in explained.iter_mut().zip(targets) {
            picture.maps.truncate(targets.len());
        }
        cost.read_back_ms += watch.lap();
        Ok(explained)
    }
}
