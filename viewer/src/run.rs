//! A session's run in small parts, so many per frame that the window stays smooth whatever the network.

use agf::gpu::Part;
use agf::{Gpu, Session, wgpu};
use std::sync::{Arc, Mutex, PoisonError};
use web_time::{Duration, Instant};

/// What the GPU may be busy with between two frames.
const BUDGET: Duration = Duration::from_millis(12);
/// A part's operations: little for any GPU, so that a frame takes several.
const PART_WORK: u64 = 20_000_000;
/// Operations per millisecond that are assumed before the first part was timed.
const FIRST_PACE: f64 = 20e6;
/// How much the last measurement counts.
const WEIGHT_OF_LAST: f64 = 0.3;

/// How fast the GPU works, in operations per millisecond, learned from run to run.
#[derive(Clone, Copy, Debug)]
pub struct Pace(f64);

impl Default for Pace {
    fn default() -> Self {
        Self(FIRST_PACE)
    }
}

impl Pace {
    /// Learns that so many operations took so long.
    fn learn(&mut self, work: u64, time: Duration) {
        let found = work as f64 / (time.as_secs_f64() * 1e3).max(0.05);
        self.0 += WEIGHT_OF_LAST * (found - self.0);
    }

    /// Operations that fit a frame.
    fn budget(&self) -> u64 {
        (self.0 * BUDGET.as_secs_f64() * 1e3) as u64
    }
}

/// What was submitted, and when it was done.
pub struct Submitted {
    work: u64,
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
            pace.learn(submitted.work, end - submitted.at);
            self.submitted = None;
        }
        if self.next == self.parts.len() {
            return true;
        }
        let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let (budget, mut work) = (pace.budget(), 0);
        while let Some(part) = self.parts.get(self.next)
            && (work == 0 || work + part.work <= budget)
        {
            self.session.record_part(part, &mut encoder);
            work += part.work;
            self.next += 1;
        }
        let (at, done) = (Instant::now(), Arc::new(Mutex::new(None)));
        let index = gpu.queue().submit([encoder.finish()]);
        let written = done.clone();
        gpu.queue().on_submitted_work_done(move || {
            *written.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
            wake();
        });
        wait_beside(gpu, index);
        self.submitted = Some(Submitted { work, at, done });
        false
    }
}

/// Has somebody wait for a submission, so that the callback comes when it is done and not with the next frame.
#[cfg(not(target_arch = "wasm32"))]
fn wait_beside(gpu: &Gpu, index: wgpu::SubmissionIndex) {
    let device = gpu.device().clone();
    std::thread::spawn(move || {
        let _ = device.poll(wgpu::PollType::Wait { submission_index: Some(index), timeout: None });
    });
}

/// In a browser the page's own loop does.
#[cfg(target_arch = "wasm32")]
fn wait_beside(_: &Gpu, _: wgpu::SubmissionIndex) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pace_follows_the_measurements() {
        let mut pace = Pace::default();
        for _ in 0..50 {
            pace.learn(1_000_000, Duration::from_millis(10));
        }
        assert!((pace.budget() as f64 - 1.2e6).abs() < 1e4, "{}", pace.budget());
        pace.learn(1_000_000, Duration::ZERO);
        assert!(pace.budget() > 1_200_000, "nothing takes no time");
    }
}
