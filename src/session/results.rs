//! What was read, taken apart: by picture, and by what it means.

use super::SessionShape;
use crate::map::{Explained, LayerSum, Map};
use crate::wiring::{Audit, Slot, Wiring};

/// The values of a wiring's outputs, by picture.
pub(super) fn gather(wiring: &Wiring, shape: SessionShape, values: &[Vec<f32>]) -> Vec<Explained> {
    (0..shape.count as usize).map(|sample| explained(wiring, shape, values, sample)).collect()
}

/// One picture's part of the values of all outputs, in turn.
struct Parts<'a> {
    values: std::slice::Iter<'a, Vec<f32>>,
    sample: usize,
    count: usize,
}

impl Parts<'_> {
    fn next(&mut self) -> Vec<f32> {
        let Some(values) = self.values.next() else { return Vec::new() };
        let length = values.len() / self.count;
        values[self.sample * length..(self.sample + 1) * length].to_vec()
    }

    fn scalar(&mut self) -> f32 {
        self.next().first().copied().unwrap_or(f32::NAN)
    }

    fn scalars(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.scalar()).collect()
    }
}

/// The outputs of one picture, in the order of [`Wiring::outputs`].
fn explained(wiring: &Wiring, shape: SessionShape, values: &[Vec<f32>], sample: usize) -> Explained {
    let mut parts = Parts { values: values.iter(), sample, count: shape.count as usize };
    let logits = parts.next();
    let map = |slot: &Slot| {
        let (class, values) = (parts.scalar() as u32, parts.next());
        let peak = slot.peak.map(|_| parts.scalar());
        let Audit { completeness, masks, sums } = &slot.audit;
        let completeness = parts.scalars(completeness.len());
        let masks = parts.scalars(masks.len());
        let conservation =
            sums.iter().map(|(layer, _)| LayerSum { layer: layer.clone(), sum: parts.scalar() }).collect();
        let logit = logits.get(class as usize).copied().unwrap_or(f32::NAN);
        Map {
            class,
            height: shape.height,
            width: shape.width,
            values,
            peak,
            completeness_gap: gap(&completeness, logit),
            mask_loss: mask_loss(&masks),
            conservation,
        }
    };
    let maps = wiring.slots.iter().map(map).collect();
    Explained { logits, maps }
}

/// What the parts add up to, less the logit.
fn gap(parts: &[f32], logit: f32) -> Option<f64> {
    let sum = parts.iter().copied().map(f64::from).sum::<f64>();
    (!parts.is_empty()).then(|| sum - f64::from(logit))
}

/// One minus what comes through over what arrives, of magnitudes before and behind each mask in turn.
fn mask_loss(magnitudes: &[f32]) -> Option<f64> {
    let total = |first: usize| magnitudes.iter().skip(first).step_by(2).copied().map(f64::from).sum::<f64>();
    let (arriving, through) = (total(0), total(1));
    (!magnitudes.is_empty()).then(|| if arriving == 0.0 { 0.0 } else { 1.0 - through / arriving })
}
