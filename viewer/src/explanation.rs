//! A question to the network, and the way to its answer: method after method, and where a method runs a picture several
//! times, run after run.

use crate::question::{Answer, Question, Shown};
use crate::run::{Pace, Run, Submitted};
use crate::worker::{Job, Worker};
use agf::methods::Schedule;
use agf::{Batch, Explained, Gpu, Map, Method, Session, SessionShape, wgpu};
use std::collections::VecDeque;
use web_time::Instant;

/// Where the work stands.
enum Stage {
    /// Nothing is asked, or all is answered.
    Done,
    /// A session is being made.
    Preparing,
    /// A session runs.
    Running(Run),
    /// What it computed is being read.
    Reading(Session),
}

/// The explanation of one question at a time; a new question ends the last.
pub struct Explanation {
    gpu: Gpu,
    ticket: u64,
    /// Whether nothing of the answer is there yet, and what was asked before is still to be seen.
    is_fresh: bool,
    question: Option<Question>,
    waiting: VecDeque<Method>,
    stage: Stage,
    /// Maps that were copied on the GPU when the session had run.
    copies: Vec<wgpu::Buffer>,
    /// Runs of this method that are done, and the sums of their gradients by class.
    runs: u32,
    sums: Vec<Vec<f64>>,
    /// When the run at hand began.
    began: Instant,
    pace: Pace,
    /// What was given up and may still run.
    stopped: Option<Submitted>,
}

impl Explanation {
    /// Nothing is asked yet.
    pub fn new(gpu: &Gpu) -> Self {
        Self {
            gpu: gpu.clone(),
            ticket: 0,
            is_fresh: false,
            question: None,
            waiting: VecDeque::new(),
            stage: Stage::Done,
            copies: Vec::new(),
            runs: 0,
            sums: Vec::new(),
            began: Instant::now(),
            pace: Pace::default(),
            stopped: None,
        }
    }

    /// Whether there is something to do.
    pub fn is_busy(&self) -> bool {
        !matches!(self.stage, Stage::Done)
    }

    /// Whether the GPU is busy with a question, or still with one that was given up.
    pub fn is_computing(&self) -> bool {
        let is_running = matches!(self.stage, Stage::Running(_) | Stage::Reading(_));
        is_running || self.stopped.as_ref().is_some_and(|submitted| submitted.end().is_none())
    }

    /// How far the method at hand is, from 0 to 1; `None` while its session is being made.
    pub fn share(&self) -> Option<f32> {
        let of_runs =
            |share: f32| (self.runs as f32 + share) / self.schedule().map_or(1, |schedule| schedule.count()) as f32;
        match &self.stage {
            Stage::Done | Stage::Reading(_) => Some(of_runs(1.0)),
            Stage::Preparing => None,
            Stage::Running(run) => Some(of_runs(run.share())),
        }
    }

    /// The method at hand.
    pub fn method(&self) -> Option<&Method> {
        self.waiting.front()
    }

    fn schedule(&self) -> Option<Schedule> {
        self.method().and_then(Method::schedule)
    }

    /// Asks; what was asked before is given up.
    pub fn ask(&mut self, question: Question, worker: &Worker) {
        self.cancel();
        self.waiting = question.methods.iter().cloned().collect();
        (self.question, self.is_fresh) = (Some(question), true);
        self.prepare(worker);
    }

    /// Gives up what was asked.
    pub fn cancel(&mut self) {
        self.ticket += 1;
        self.waiting.clear();
        if let Stage::Running(run) = std::mem::replace(&mut self.stage, Stage::Done) {
            self.stopped = run.stop();
        }
    }

    fn prepare(&mut self, worker: &Worker) {
        let (Some(question), Some(method)) = (&self.question, self.waiting.front().cloned()) else {
            self.stage = Stage::Done;
            return;
        };
        let Batch { height, width, .. } = *question.picture;
        let shape = SessionShape { count: 1, height, width, slots: question.targets.len() as u32 };
        worker.send(Job::Prepare { ticket: self.ticket, method, shape, audit: question.audit });
        (self.runs, self.sums) = (0, Vec::new());
        self.stage = Stage::Preparing;
    }

    /// A session is there.
    pub fn prepared(&mut self, ticket: u64, session: Result<Session, String>) -> Result<(), String> {
        if ticket == self.ticket {
            self.begin(session?)?;
        }
        Ok(())
    }

    /// Writes the inputs of a run and begins it.
    fn begin(&mut self, session: Session) -> Result<(), String> {
        let Some(question) = &self.question else { return Ok(()) };
        let write = || {
            session.write_pictures(&question.picture)?;
            for (slot, target) in (0..).zip(&question.targets) {
                session.write_targets(slot, &[*target])?;
            }
            if let Some(schedule) = self.schedule() {
                session.write_variations(&[schedule.variation(self.runs, &question.picture.data)])?;
            }
            Ok::<(), agf::Error>(())
        };
        write().map_err(|error| error.to_string())?;
        self.began = Instant::now();
        self.stage = Stage::Running(Run::new(session));
        Ok(())
    }

    /// Goes on by what fits a frame.
    pub fn advance(&mut self, worker: &Worker, wake: impl FnOnce() + Send + 'static) -> Result<(), String> {
        let Stage::Running(run) = &mut self.stage else { return Ok(()) };
        if run.advance(&self.gpu, &mut self.pace, wake) {
            let session = run.session().clone();
            self.copies = self.copy_maps(&session)?;
            worker.send(Job::Read { ticket: self.ticket, session: session.clone() });
            self.stage = Stage::Reading(session);
        }
        Ok(())
    }

    /// Copies a session's maps to buffers of their own, since its next run overwrites them.
    fn copy_maps(&self, session: &Session) -> Result<Vec<wgpu::Buffer>, String> {
        let mut encoder = self.gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let mut copies = Vec::new();
        for slot in 0..session.shape().slots {
            let map = session.map(slot).map_err(|error| error.to_string())?;
            let copy = self.buffer(map.bytes);
            encoder.copy_buffer_to_buffer(map.buffer, map.offset, &copy, 0, map.bytes);
            copies.push(copy);
        }
        self.gpu.queue().submit([encoder.finish()]);
        Ok(copies)
    }

    fn buffer(&self, size: u64) -> wgpu::Buffer {
        self.gpu.device().create_buffer(&wgpu::BufferDescriptor {
            label: Some("map"),
            size,
            usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        })
    }

    /// Logits and maps are there: they go to the answer, and the next run or method begins.
    pub fn read(
        &mut self,
        ticket: u64,
        explained: Result<Explained, String>,
        answer: &mut Answer,
        worker: &Worker,
    ) -> Result<(), String> {
        if ticket != self.ticket {
            return Ok(());
        }
        let Stage::Reading(session) = std::mem::replace(&mut self.stage, Stage::Done) else { return Ok(()) };
        let explained = explained?;
        if std::mem::take(&mut self.is_fresh) {
            *answer = Answer::default();
        }
        answer.bytes = answer.bytes.max(session.plan().value_bytes());
        answer.time += self.began.elapsed();
        match self.schedule() {
            Some(schedule) => {
                self.sum(&explained.maps);
                self.runs += 1;
                if self.runs < schedule.count() {
                    return self.begin(session);
                }
                self.add_sums(schedule, &explained, answer);
            }
            None => self.add_maps(explained, answer),
        }
        self.waiting.pop_front();
        self.prepare(worker);
        Ok(())
    }

    fn add_maps(&mut self, explained: Explained, answer: &mut Answer) {
        answer.logits = explained.logits;
        let Some(method) = self.waiting.front() else { return };
        for (map, buffer) in explained.maps.into_iter().zip(self.copies.drain(..)) {
            answer.maps.push(Shown { method: method.clone(), map, buffer });
        }
    }

    /// Adds a run's gradients to the sums, in f64 and in the order of the runs.
    fn sum(&mut self, maps: &[Map]) {
        self.sums.resize(maps.len(), Vec::new());
        for (sum, map) in self.sums.iter_mut().zip(maps) {
            sum.resize(map.values.len(), 0.0);
            for (sum, value) in sum.iter_mut().zip(&map.values) {
                *sum += f64::from(*value);
            }
        }
    }

    /// Makes maps of the sums. The logits of a changed picture are not the picture's: those stay as they are.
    fn add_sums(&mut self, schedule: Schedule, explained: &Explained, answer: &mut Answer) {
        let (Some(question), Some(method)) = (&self.question, self.waiting.front()) else { return };
        let Batch { height, width, .. } = *question.picture;
        let pixels = height as usize * width as usize;
        for (sum, last) in self.sums.iter().zip(&explained.maps) {
            let values = schedule.map(sum, &question.picture.data, pixels);
            let values: Vec<f32> = values.into_iter().map(|value| value as f32).collect();
            let buffer = self.buffer(4 * pixels as u64);
            let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_ne_bytes()).collect();
            self.gpu.queue().write_buffer(&buffer, 0, &bytes);
            let map = Map { height, width, values, peak: None, ..last.clone() };
            answer.maps.push(Shown { method: method.clone(), map, buffer });
        }
    }
}
