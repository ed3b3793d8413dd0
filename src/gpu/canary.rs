//! A question with a known answer, asked once of every device: drivers that compute nothing, or garbage, do not say so.

use super::{Gpu, GpuError};
use crate::plan::Call;
use crate::plan::kernel::{Kernel, Shader};
use crate::plan::uniforms::Uniforms;
use std::sync::atomic::Ordering;

/// Lanes of a workgroup.
const LANES: usize = 64;
/// Values, for several workgroups.
const COUNT: usize = 4 * LANES;
/// Largest relative error of an answer. WGSL grants divisions and roots an error of about 3e-7.
const TOLERANCE: f32 = 1e-5;

/// The question.
fn question() -> Vec<f32> {
    (0..COUNT).map(|index| 0.25 + index as f32).collect()
}

/// The answer: every value's third and the root of its counterpart in the workgroup.
fn expected(question: &[f32]) -> Vec<f32> {
    let of_group = |group: &[f32]| group.iter().zip(group.iter().rev()).map(|(a, b)| a / 3.0 + b.sqrt()).collect();
    question.chunks(LANES).flat_map::<Vec<f32>, _>(of_group).collect()
}

/// What is wrong with an answer, if anything.
fn fault(answer: &[f32]) -> Option<String> {
    let expected = expected(&question());
    if answer.len() != expected.len() {
        return Some(format!("{} values instead of {}", answer.len(), expected.len()));
    }
    let is_right = |(found, wanted): (&f32, &f32)| (found - wanted).abs() <= TOLERANCE * wanted;
    let position = answer.iter().zip(&expected).position(|pair| !is_right(pair))?;
    Some(format!("{} instead of {} at place {position} of a test", answer[position], expected[position]))
}

/// The one dispatch.
pub fn canary_call() -> Call {
    Call {
        kernel: Kernel::new(Shader::Canary),
        uniforms: Uniforms::new().with("count", COUNT as u32),
        buffers: vec![0],
        workgroups: [(COUNT / LANES) as u32, 1, 1],
    }
}

impl Gpu {
    /// Asks the device, unless it has answered before.
    ///
    /// # Errors
    /// [`GpuError::WrongResults`] for a wrong answer, others where the device fails.
    pub(crate) async fn ask_canary(&self) -> Result<(), GpuError> {
        if self.is_trusted.load(Ordering::Relaxed) {
            return Ok(());
        }
        let bytes = 4 * COUNT as u64;
        let buffer = self.storage("canary", bytes).await?;
        self.write(&buffer, 0, &question()).await?;
        self.run("asking for a known answer", &[canary_call()], &[(&buffer, 0, bytes)]).await?;
        let answer = self.read_regions(&[(&buffer, 0, bytes)]).await?;
        let answer: Vec<f32> = answer.into_iter().flatten().map(f32::from_bits).collect();
        match fault(&answer) {
            Some(found) => Err(self.wrong_results(found)),
            None => {
                self.is_trusted.store(true, Ordering::Relaxed);
                Ok(())
            }
        }
    }

    /// The error of a device that computes something else than it should.
    pub(crate) fn wrong_results(&self, found: String) -> GpuError {
        let adapter = &self.summary;
        let driver = format!("{} ({}, {} {})", adapter.name, adapter.backend, adapter.driver, adapter.driver_info);
        GpuError::WrongResults { driver: driver.trim_end().into(), found }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn right_answers_pass_within_rounding() {
        let mut answer = expected(&question());
        assert_eq!(fault(&answer), None);
        answer.iter_mut().for_each(|value| *value *= 1.0 + 1e-6);
        assert_eq!(fault(&answer), None);
    }

    #[test]
    fn a_device_that_does_nothing_or_garbage_is_found_out() {
        assert!(fault(&question()).is_some(), "memory is as it was");
        assert!(fault(&vec![0.0; COUNT]).is_some(), "nothing came back");
        assert!(fault(&vec![f32::NAN; COUNT]).is_some());
        assert!(fault(&[]).is_some());
        let mut answer = expected(&question());
        answer[200] *= 1.0 + 1e-4;
        let text = fault(&answer).unwrap();
        assert!(text.contains("place 200"), "{text}");
        let no_barrier: Vec<f32> = question().iter().map(|value| value / 3.0 + value.sqrt()).collect();
        assert!(fault(&no_barrier).is_some());
    }
}
