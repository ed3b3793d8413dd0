//! A session's run in small parts, so many per frame that the window stays smooth whatever the network.

use agf::gpu::Part;
use agf::{Gpu, Session, wgpu};
use futures_channel::oneshot;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use web_time::{Duration, Instant};

/// What the GPU may be busy with between two frames.
const BUDGET: Duration = Duration::from_millis(12);
/// A part's operations: little for any GPU, so that a frame takes several.
const PART_WORK: u64 = 20_000_000;
/// Operations of a dispatch at most, on the processor and on a graphics card: little for a slow one, since a single
/// dispatch has to fit a frame too.
const STEP_LIMIT: (u64, u64) = (100_000_000, 1_000_000_000);
/// Operations per millisecond that are assumed before the first part was timed.
const FIRST_PACE: f64 = 10e6;
/// How much a submission counts that took longer than its budget.
const WEIGHT_OF_SLOW: f64 = 0.5;
/// The most by which a submission that took less raises the pace.
const MOST_GROWTH: f64 = 1.25;
/// The pause between two looks at the GPU.
#[cfg(not(target_arch = "wasm32"))]
const PAUSE: Duration = Duration::from_micros(500);

/// A handle on the same device whose plans have dispatches that fit a frame.
pub fn in_small_steps(gpu: &Gpu) -> Gpu {
    let (of_processor, of_card) = STEP_LIMIT;
    gpu.with_step_limit(if gpu.summary().is_software() { of_processor } else { of_card })
}

/// How fast the GPU works, in operations per millisecond, learned from run to run.
#[derive(Clone, Copy, Debug)]
pub struct Pace(f64);

impl Default for Pace {
    fn default() -> Self {
        Self(FIRST_PACE)
    }
}

impl Pace {
    /// Learns that so many operations took so long, or as many of them as a gate let through.
    fn learn(&mut self, work: u64, is_gated: bool, time: Duration) {
        let found = work as f64 / (time.as_secs_f64() * 1e3).max(0.05);
        match (time > BUDGET, is_gated) {
            (true, _) => self.0 += WEIGHT_OF_SLOW * (found.min(self.0) - self.0),
            (false, true) => {}
            (false, false) => self.0 = found.clamp(self.0, MOST_GROWTH * self.0),
        }
    }

    /// Operations that fit a frame.
    fn budget(&self) -> u64 {
        (self.0 * BUDGET.as_secs_f64() * 1e3) as u64
    }
}

/// What was submitted, and when it was done.
pub struct Submitted {
    work: u64,
    is_gated: bool,
    at: Instant,
    done: Arc<Mutex<Option<Instant>>>,
}

impl Submitted {
    /// When the GPU had done it.
    pub fn end(&self) -> Option<Instant> {
        *self.done.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A run of a session.
pub struct Run {
    session: Session,
    parts: Vec<Part>,
    next: usize,
    submitted: Option<Submitted>,
}

impl Run {
    /// Begins a run of a session whose inputs have been written.
    pub fn new(session: Session) -> Self {
        Self { parts: session.parts(PART_WORK), session, next: 0, submitted: None }
    }

    /// The session.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Gives it up: what the GPU may still be busy with.
    pub fn stop(self) -> Option<Submitted> {
        self.submitted
    }

    /// How much of it has been handed to the GPU, from 0 to 1.
    pub fn share(&self) -> f32 {
        let work = |parts: &[Part]| parts.iter().map(|part| part.work).sum::<u64>() as f32;
        work(&self.parts[..self.next]) / work(&self.parts).max(1.0)
    }

    /// Hands the GPU what fits a frame, once it has done what it has; `true` when all is done. `wake` is called when
    /// the GPU is ready for more.
    pub fn advance(&mut self, gpu: &Gpu, pace: &mut Pace, wake: impl FnOnce() + Send + 'static) -> bool {
        if let Some(submitted) = &self.submitted {
            let Some(end) = submitted.end() else { return false };
            pace.learn(submitted.work, submitted.is_gated, end - submitted.at);
            self.submitted = None;
        }
        if self.next == self.parts.len() {
            return true;
        }
        let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let (budget, mut work, mut is_gated) = (pace.budget(), 0, false);
        while let Some(part) = self.parts.get(self.next)
            && (work == 0 || work + part.work <= budget)
        {
            self.session.record_part(part, &mut encoder);
            work += part.work;
            is_gated |= part.is_gated;
            self.next += 1;
        }
        let (at, done) = (Instant::now(), Arc::new(Mutex::new(None)));
        gpu.queue().submit([encoder.finish()]);
        let (written, held) = (done.clone(), Arc::new(()));
        look_beside(gpu, Arc::downgrade(&held));
        gpu.queue().on_submitted_work_done(move || {
            *written.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
            wake();
            drop(held);
        });
        self.submitted = Some(Submitted { work, is_gated, at, done });
        false
    }

    /// Runs to the end, by what fits a frame at a time. Where the device is lost it ends early, and reading says so.
    pub async fn finish(mut self, gpu: &Gpu, pace: &mut Pace) {
        loop {
            let (sender, receiver) = oneshot::channel();
            let is_done = self.advance(gpu, pace, move || {
                let _ = sender.send(());
            });
            if is_done || receiver.await.is_err() {
                return;
            }
        }
    }
}

/// Has somebody look at the GPU until a callback has been called, so that this happens at once and not with the next
/// frame. Nobody may wait within wgpu, which would present no frame meanwhile.
#[cfg(not(target_arch = "wasm32"))]
fn look_beside(gpu: &Gpu, waits: Weak<()>) {
    let device = gpu.device().clone();
    std::thread::spawn(move || {
        while waits.strong_count() > 0 && device.poll(wgpu::PollType::Poll).is_ok() {
            std::thread::sleep(PAUSE);
        }
    });
}

/// In a browser the page's own loop does.
#[cfg(target_arch = "wasm32")]
fn look_beside(_: &Gpu, _: Weak<()>) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pace_follows_the_measurements() {
        let mut pace = Pace::default();
        for _ in 0..50 {
            pace.learn(1_000_000, false, Duration::from_millis(20));
        }
        let slow = pace.budget();
        assert!((slow as f64 - 0.6e6).abs() < 1e4, "{slow}");
        pace.learn(10_000, false, Duration::from_millis(10));
        assert_eq!(pace.budget(), slow, "little work says little");
        pace.learn(100_000_000, true, Duration::ZERO);
        assert_eq!(pace.budget(), slow, "work that a gate held back says nothing");
        pace.learn(1_000_000, false, Duration::ZERO);
        assert!(pace.budget() > slow && pace.budget() < 2 * slow, "nothing takes no time");
        for _ in 0..50 {
            pace.learn(5_000_000, false, Duration::from_millis(10));
        }
        assert!((pace.budget() as f64 - 6e6).abs() < 1e5, "{}", pace.budget());
    }
}
