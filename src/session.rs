//! One network on one device for pictures of one size, ready to run: where inputs are written, what is recorded, and
//! where the results lie.
//!
//! The [`Explainer`](crate::Explainer) makes sessions as pictures come. A graphics program asks it for one, writes
//! pictures and targets on its queue, records the session into its encoder, at once or in parts, and reads the maps
//! where they lie on the GPU.

mod results;

use crate::batch::{Batch, pictures_of};
use crate::error::Error;
use crate::gpu::{Gpu, Part, Program, Stored, Times, WeightStore};
use crate::graph::{Graph, NodeId};
use crate::map::Explained;
use crate::methods::Variation;
use crate::models::Model;
use crate::plan::Plan;
use crate::target::Target;
use crate::wiring::{Slot, Wanted, Wiring};
use std::ops::Range;
use std::sync::Arc;

/// Sizes that a session is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SessionShape {
    /// Pictures at a time.
    pub count: u32,
    /// Rows.
    pub height: u32,
    /// Columns.
    pub width: u32,
    /// Classes to explain per picture; 0 runs the forward pass alone.
    pub slots: u32,
}

impl SessionShape {
    pub(crate) fn wanted(&self, audit: bool) -> Wanted {
        Wanted { slots: self.slots, audit }
    }
}

/// A network with its memory on the GPU. Clones are handles to one and the same; its memory is free when the last is
/// gone. Several sessions may be used at a time, from any thread; runs of one session share its memory and follow each
/// other.
#[derive(Clone)]
pub struct Session {
    shape: SessionShape,
    wiring: Arc<Wiring>,
    program: Arc<Program>,
}

impl Session {
    /// Uploads what weights are not there yet and makes the kernels of a plan of this wiring, for as many pictures as
    /// the shape has.
    pub(crate) async fn new(
        gpu: &Gpu,
        model: &Model,
        store: &mut WeightStore,
        shape: SessionShape,
        wiring: Arc<Wiring>,
        plan: Plan,
    ) -> Result<Self, Error> {
        gpu.ask_canary().await?;
        store.upload(gpu, &wiring.graph, &model.weights, &plan.packings()).await?;
        let program = Arc::new(Program::new(gpu, plan, store).await?);
        Ok(Self { shape, wiring, program })
    }

    /// The sizes that it was made for.
    pub fn shape(&self) -> SessionShape {
        self.shape
    }

    /// The plan that it runs.
    pub fn plan(&self) -> &Plan {
        self.program.plan()
    }

    /// The graph that it runs.
    pub fn graph(&self) -> &Graph {
        &self.wiring.graph
    }

    /// Whether it runs this wiring, for so many pictures at a time.
    pub(crate) fn is_of(&self, wiring: &Arc<Wiring>, count: u32) -> bool {
        Arc::ptr_eq(&self.wiring, wiring) && self.shape.count == count
    }

    /// Records all dispatches into an encoder; nothing is submitted. Call it between writing the input and reading the
    /// maps.
    pub fn record(&self, encoder: &mut wgpu::CommandEncoder) {
        self.program.record(encoder);
    }

    /// The dispatches of a run in parts of at most `work` floating-point operations each, in order, for hosts that have
    /// so much time per frame. A single dispatch may be more. Recorded one after the other, in as many encoders as
    /// the host likes, they give the bits of [`Session::record`]; inputs must stay as they are until the last has
    /// run.
    pub fn parts(&self, work: u64) -> Vec<Part> {
        self.program.parts(work)
    }

    /// Records one of this session's [`parts`](Session::parts).
    pub fn record_part(&self, part: &Part, encoder: &mut wgpu::CommandEncoder) {
        self.program.record_part(part, encoder);
    }

    /// Writes normalised pictures, with the logits of their neighbours where the network is asked against them, through
    /// the queue, without waiting. A host that has them on the GPU copies them to [`Session::input`] instead.
    ///
    /// # Errors
    /// [`Error::Batch`] where number or size differ from the session's.
    pub fn write_pictures(&self, batch: &Batch) -> Result<(), Error> {
        let SessionShape { count, height, width, .. } = self.shape;
        batch.check(self.graph().shape(self.wiring.input).channels)?;
        if (batch.count, batch.height, batch.width) != (count, height, width) {
            let wanted = pictures_of(count, height, width);
            return Err(Error::Batch { found: batch.describe(), wanted });
        }
        self.write(self.wiring.input, &batch.data)?;
        let logits = self.wiring.given.map_or(0, |given| self.graph().shape(given).channels);
        batch.check_neighbours(logits)?;
        self.wiring.given.map_or(Ok(()), |given| self.write(given, &batch.neighbours))
    }

    /// Writes the logits of each picture's neighbour through the queue, without waiting: `count` x classes values, for
    /// a network that is asked [against](Model::against) them and whose pictures the host has on the GPU.
    ///
    /// # Errors
    /// [`Error::Gpu`] where there are more or fewer values, [`Error::Batch`] for a network that takes none.
    pub fn write_neighbours(&self, logits: &[f32]) -> Result<(), Error> {
        match self.wiring.given {
            Some(given) => self.write(given, logits),
            None => {
                let found = format!("{} logits of neighbours", logits.len());
                Err(Error::Batch { found, wanted: "none, as this network is not asked against neighbours".into() })
            }
        }
    }

    /// Writes what a slot shall explain of each picture through the queue, without waiting.
    ///
    /// # Errors
    /// [`Error::Slot`] for a slot that the session does not have, [`Error::Class`] for a class or rank that the network
    /// does not have, [`Error::Gpu`] where there are not as many targets as pictures.
    pub fn write_targets(&self, slot: u32, targets: &[Target]) -> Result<(), Error> {
        let request = self.slot(slot)?.request;
        let classes = self.graph().shape(self.wiring.logits).channels;
        let requests = targets.iter().map(|target| target.request(classes)).collect::<Result<Vec<f32>, _>>()?;
        self.write(request, &requests)
    }

    /// Writes what each picture's variation is told through the queue, without waiting. A method that runs a picture
    /// once is told nothing.
    ///
    /// # Errors
    /// [`Error::Gpu`] where there are not as many variations as pictures.
    pub fn write_variations(&self, variations: &[Variation]) -> Result<(), Error> {
        for &(field, node) in &self.wiring.variations {
            let values: Vec<f32> = variations.iter().map(|variation| variation.field(field)).collect();
            self.write(node, &values)?;
        }
        Ok(())
    }

    fn write(&self, node: NodeId, values: &[f32]) -> Result<(), Error> {
        Ok(self.program.write(self.graph(), node, values)?)
    }

    /// Where the normalised pictures lie: channels are red, green, blue and 0.
    ///
    /// # Errors
    /// [`Error::Gpu`] for a network that does not look at its pictures.
    pub fn input(&self) -> Result<Stored<'_>, Error> {
        self.stored(self.wiring.input)
    }

    /// Where the logits lie.
    ///
    /// # Errors
    /// [`Error::Gpu`], which does not happen with networks of this crate.
    pub fn logits(&self) -> Result<Stored<'_>, Error> {
        self.stored(self.wiring.logits)
    }

    /// Where the class lies that a slot explained, a number per picture.
    ///
    /// # Errors
    /// [`Error::Slot`] for a slot that the session does not have.
    pub fn class(&self, slot: u32) -> Result<Stored<'_>, Error> {
        self.stored(self.slot(slot)?.class)
    }

    /// Where a slot's maps lie. For a method with several variations per picture
    /// ([`Method::schedule`](crate::methods::Method::schedule)) it is the variation's gradient, of three channels.
    ///
    /// # Errors
    /// [`Error::Slot`] for a slot that the session does not have.
    pub fn map(&self, slot: u32) -> Result<Stored<'_>, Error> {
        self.stored(self.slot(slot)?.map)
    }

    fn stored(&self, node: NodeId) -> Result<Stored<'_>, Error> {
        Ok(self.program.stored(self.graph(), node)?)
    }

    fn slot(&self, slot: u32) -> Result<&Slot, Error> {
        self.wiring.slots.get(slot as usize).ok_or(Error::Slot { slot, slots: self.shape.slots })
    }

    /// Submits a run, in submissions that keep the GPU busy for a bounded time each, and waits until it is done.
    ///
    /// # Errors
    /// [`Error::Gpu`] where the GPU fails.
    pub async fn run(&self) -> Result<(), Error> {
        self.program.submit().await?;
        Ok(self.program.finished().await?)
    }

    /// Reads what the last run gave: logits, and a map per slot, of each picture.
    ///
    /// # Errors
    /// [`Error::Gpu`] where the GPU fails.
    pub async fn read(&self) -> Result<Vec<Explained>, Error> {
        let values = self.program.read(self.graph(), &self.wiring.outputs()).await?;
        Ok(results::gather(&self.wiring, self.shape, &values))
    }

    /// Reads the logits of the last run alone, a vector per picture.
    ///
    /// # Errors
    /// [`Error::Gpu`] where the GPU fails.
    pub async fn read_logits(&self) -> Result<Vec<Vec<f32>>, Error> {
        let values = self.program.read(self.graph(), &[self.wiring.logits]).await?.pop().unwrap_or_default();
        let classes = self.graph().shape(self.wiring.logits).channels as usize;
        Ok(values.chunks(classes.max(1)).map(<[f32]>::to_vec).collect())
    }

    /// Runs `steps` of the plan, each in a pass of its own, and says how long each took: for benchmarks. On a first run
    /// the driver's compilation may be in it.
    ///
    /// # Errors
    /// [`Error::Gpu`] where the GPU fails.
    pub async fn time_steps(&self, steps: Range<usize>) -> Result<Times, Error> {
        Ok(self.program.time_steps(steps).await?)
    }
}
