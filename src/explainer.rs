//! The front door: a model on a GPU, from normalised pictures to class-specific maps.

mod audit;
mod passes;
mod types;

pub(crate) use types::pictures_of;
pub use types::{Batch, Cost, Explained, LayerSum, Map, Progress, Target};

use crate::error::Error;
use crate::gpu::{Gpu, GpuError, WeightStore};
use crate::methods::{Method, Pass};
use crate::models::Model;
use crate::session::{self, Session, SessionShape};
use std::time::Instant;

/// A model on a GPU. Sessions for the sizes seen last are kept, weights for good.
pub struct Explainer {
    gpu: Gpu,
    model: Model,
    method: Method,
    store: WeightStore,
    /// Sessions with the methods that they were made for, the one used last first.
    sessions: Vec<(Method, Session)>,
    /// Most pictures at a time, by method and the shape for one picture.
    largest: Vec<(Method, SessionShape, u32)>,
    /// Most bytes of values and weights of a session.
    max_bytes: Option<u64>,
    on_progress: Option<Box<dyn FnMut(Progress) + Send>>,
}

/// Sessions kept at a time.
const SESSIONS: usize = 2;

impl Explainer {
    /// Uploads nothing yet: plans, pipelines and weights are made for the first picture of each size.
    pub fn new(gpu: &Gpu, model: &Model, method: impl Into<Method>) -> Self {
        let (gpu, model, store) = (gpu.clone(), model.clone(), WeightStore::default());
        Self {
            gpu,
            model,
            method: method.into(),
            store,
            sessions: Vec::new(),
            largest: Vec::new(),
            max_bytes: None,
            on_progress: None,
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

    /// Cuts batches so that values and weights of one session take at most so many bytes of GPU memory; `None`, the default, leaves it to
    /// the adapter's limits and memory. Staging for uploads and results is not counted.
    pub fn limit_memory(&mut self, max_bytes: Option<u64>) {
        self.max_bytes = max_bytes;
        self.largest.clear();
        self.sessions.clear();
    }

    /// Calls back after every run of [`Explainer::explain`].
    pub fn on_progress(&mut self, callback: impl FnMut(Progress) + Send + 'static) {
        self.on_progress = Some(Box::new(callback));
    }

    fn report_progress(&mut self, done: usize, total: usize) {
        if let Some(callback) = &mut self.on_progress {
            callback(Progress { done: done as u64, total: total as u64 });
        }
    }

    /// Explains `targets[i]` of picture i; the numbers of targets may differ. A picture's bits do not depend on the others in its
    /// batch. Where the batch is too large for the adapter's limits or memory it is cut into several runs.
    ///
    /// # Errors
    /// [`Error`] where the pictures do not fit the network or the device, a class does not exist, or the GPU fails.
    pub async fn explain(&mut self, batch: &Batch, targets: &[Vec<Target>]) -> Result<(Vec<Explained>, Cost), Error> {
        batch.check()?;
        if targets.len() != batch.count as usize {
            let found = format!("{} with targets for {}", batch.describe(), targets.len());
            return Err(Error::Batch { found, wanted: "targets for every picture".into() });
        }
        match self.method.schedule() {
            Some(schedule) if targets.iter().any(|targets| !targets.is_empty()) => {
                self.explain_in_passes(batch, targets, schedule).await
            }
            _ => self.explain_at_once(batch, targets).await,
        }
    }

    async fn explain_at_once(
        &mut self,
        batch: &Batch,
        targets: &[Vec<Target>],
    ) -> Result<(Vec<Explained>, Cost), Error> {
        let slots = targets.iter().map(Vec::len).max().unwrap_or(0) as u32;
        let shape = SessionShape { count: batch.count, height: batch.height, width: batch.width, slots };
        let mut cost = Cost::default();
        let mut largest = self.largest_batch(shape)?;
        let mut explained: Vec<Explained> = Vec::new();
        while explained.len() < batch.count as usize {
            let first = explained.len() as u32;
            let count = largest.min(batch.count - first);
            let targets = &targets[first as usize..(first + count) as usize];
            match self.run(&batch.part(first, count), targets, slots, None, &mut cost).await {
                Err(Error::Gpu(GpuError::OutOfMemory { .. })) if count > 1 => {
                    self.sessions.clear();
                    largest = count / 2;
                }
                pictures => explained.extend(pictures?),
            }
            self.report_progress(explained.len(), batch.count as usize);
        }
        Ok((explained, cost))
    }

    /// The most pictures of this size that fit the adapter's limits at a time.
    pub(crate) fn largest_batch(&mut self, shape: SessionShape) -> Result<u32, Error> {
        let one = SessionShape { count: 1, ..shape };
        let method = session::effective_method(shape, &self.method);
        let known = self.largest.iter().find(|(of, shape, _)| (of, shape) == (&method, &one));
        if let Some(&(.., known)) = known {
            return Ok(known);
        }
        let (_, largest) = session::plan(&self.gpu, &self.model, one, &method, self.max_bytes)?;
        self.largest.push((method, one, largest));
        Ok(largest)
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

    /// The plan for pictures of this shape as text: step by step with FLOPs, bytes and memory.
    ///
    /// # Errors
    /// Where the pictures do not fit the network or the device.
    pub fn plan_text(&self, shape: SessionShape) -> Result<String, Error> {
        let method = session::effective_method(shape, &self.method);
        let (plan, largest) = session::plan(&self.gpu, &self.model, shape, &method, self.max_bytes)?;
        Ok(format!("{plan}pictures at a time on this adapter: at most {largest}\n"))
    }

    /// The session for pictures of this shape, made if it is not there: for hosts that record it themselves.
    ///
    /// # Errors
    /// As [`Explainer::explain`].
    pub async fn session(&mut self, shape: SessionShape) -> Result<&Session, Error> {
        let method = session::effective_method(shape, &self.method);
        let is_wanted = |(of, session): &(Method, Session)| *of == method && session.shape() == shape;
        let session = match self.sessions.iter().position(is_wanted) {
            Some(position) => self.sessions.remove(position),
            None => {
                self.sessions.truncate(if self.max_bytes.is_some() { 0 } else { SESSIONS - 1 });
                let session = Session::new(&self.gpu, &self.model, &mut self.store, shape, &method).await?;
                (method, session)
            }
        };
        self.sessions.insert(0, session);
        Ok(&self.sessions[0].1)
    }

    async fn run(
        &mut self,
        batch: &Batch,
        targets: &[Vec<Target>],
        slots: u32,
        passes: Option<&[Pass]>,
        cost: &mut Cost,
    ) -> Result<Vec<Explained>, Error> {
        let mut clock = Clock::start();
        let Batch { count, height, width, .. } = *batch;
        self.session(SessionShape { count, height, width, slots }).await?;
        cost.prepare_ms += clock.lap();
        let session = &self.sessions[0].1;
        session.write_pictures(batch).await?;
        for slot in 0..slots {
            let of_slot = |targets: &Vec<Target>| targets.get(slot as usize).copied().unwrap_or(Target::Rank(0));
            session.write_targets(slot, &targets.iter().map(of_slot).collect::<Vec<_>>()).await?;
        }
        if let Some(passes) = passes {
            session.write_passes(passes).await?;
        }
        cost.upload_ms += clock.lap();
        session.program().submit().await?;
        session.program().finished().await?;
        cost.gpu_ms += clock.lap();
        let values = session.read().await?;
        cost.read_back_ms += clock.lap();
        let sessions = self.sessions.iter().map(|(_, session)| session.plan().value_bytes()).sum::<u64>();
        cost.gpu_bytes = cost.gpu_bytes.max(sessions + self.store.bytes());
        Ok((0..).zip(targets).map(|(sample, targets)| gather(session, &values, sample, targets.len())).collect())
    }
}

/// One picture's part of what a session gave.
fn gather(session: &Session, values: &[Vec<f32>], sample: usize, targets: usize) -> Explained {
    let count = session.shape().count as usize;
    let part = |values: &Vec<f32>| {
        let length = values.len() / count;
        values[sample * length..(sample + 1) * length].to_vec()
    };
    let scalar = |values: &Vec<f32>| part(values).first().copied().unwrap_or(f32::NAN);
    let mut values = values.iter();
    let logits = values.next().map(part).unwrap_or_default();
    let mut maps = Vec::new();
    for slot in session.slots() {
        let (class, map) = (values.next().map(scalar), values.next().map(part));
        let peak = slot.peak.and_then(|_| values.next()).map(scalar);
        let parts: Vec<f32> = slot.completeness.iter().zip(values.by_ref()).map(|(_, value)| scalar(value)).collect();
        let masks: Vec<f32> = slot.masks.iter().zip(values.by_ref()).map(|(_, value)| scalar(value)).collect();
        let class = class.unwrap_or_default() as u32;
        let logit = logits.get(class as usize).copied().unwrap_or(f32::NAN);
        let gap = parts.iter().copied().map(f64::from).sum::<f64>() - f64::from(logit);
        let conservation = slot
            .sums
            .iter()
            .zip(values.by_ref())
            .map(|((layer, _), sum)| LayerSum { layer: layer.clone(), sum: scalar(sum) })
            .collect();
        maps.push(Map {
            class,
            height: session.shape().height,
            width: session.shape().width,
            values: map.unwrap_or_default(),
            peak,
            completeness_gap: (!parts.is_empty()).then_some(gap),
            mask_loss: mask_loss(&masks),
            conservation,
        });
    }
    maps.truncate(targets);
    Explained { logits, maps }
}

/// One minus what comes through over what arrives, of magnitudes before and behind each mask in turn.
fn mask_loss(magnitudes: &[f32]) -> Option<f64> {
    let total = |first: usize| magnitudes.iter().skip(first).step_by(2).copied().map(f64::from).sum::<f64>();
    let (arriving, through) = (total(0), total(1));
    (!magnitudes.is_empty()).then(|| if arriving == 0.0 { 0.0 } else { 1.0 - through / arriving })
}

struct Clock(Instant);

impl Clock {
    fn start() -> Self {
        Self(Instant::now())
    }

    /// Milliseconds since the last call.
    fn lap(&mut self) -> f64 {
        let elapsed = self.0.elapsed().as_secs_f64() * 1e3;
        self.0 = Instant::now();
        elapsed
    }
}
