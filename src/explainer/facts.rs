//! Cheap facts of every run that tell a GPU which computes nothing from one that works.

use super::Explainer;
use crate::batch::Batch;
use crate::error::Error;
use crate::reference::Reference;

/// What is odd about the logits of a picture whose values are all finite.
fn oddity(logits: &[f32]) -> Option<String> {
    if let Some(class) = logits.iter().position(|logit| !logit.is_finite()) {
        return Some(format!("the logit of class {class} is {}", logits[class]));
    }
    match logits {
        [first, rest @ ..] if !rest.is_empty() && rest.iter().all(|logit| logit == first) => {
            Some(format!("the logits of all classes are {first}"))
        }
        _ => None,
    }
}

impl Explainer {
    /// Looks at the answers to whole pictures. What is odd is computed again on the CPU, once: a network may be so.
    ///
    /// # Errors
    /// [`Error::Gpu`] where the GPU's logits are odd and the exact ones are not.
    pub(super) fn check_facts<'a>(
        &mut self,
        batch: &Batch,
        logits: impl Iterator<Item = &'a [f32]>,
    ) -> Result<(), Error> {
        if self.has_odd_logits {
            return Ok(());
        }
        for (index, logits) in logits.enumerate() {
            let picture = batch.picture(index);
            let found = match batch.neighbour(index) {
                [] => oddity(logits),
                neighbour => oddity(&logits.iter().zip(neighbour).map(|(a, b)| a + b).collect::<Vec<_>>()),
            };
            let Some(found) = found.filter(|_| picture.iter().all(|value| value.is_finite())) else {
                continue;
            };
            let network = self.model.build(batch.height, batch.width)?;
            let vector = batch.neighbour(index).iter().map(|&value| value.into()).collect();
            let reference = Reference::new(&network.graph, &self.model.weights)?.with_vector(vector);
            let picture: Vec<f64> = picture.iter().map(|&value| value.into()).collect();
            let exact = reference.run(&picture, &[], &[network.logits])?.remove(&network.logits);
            let exact: Vec<f32> = exact.unwrap_or_default().into_iter().map(|logit| logit as f32).collect();
            if oddity(&exact).is_none() {
                return Err(self.gpu.wrong_results(found).into());
            }
            self.has_odd_logits = true;
            return Ok(());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logits_of_nothing_are_odd() {
        assert_eq!(oddity(&[0.0; 3]).unwrap(), "the logits of all classes are 0");
        assert_eq!(oddity(&[1.5; 2]).unwrap(), "the logits of all classes are 1.5");
        assert_eq!(oddity(&[1.0, f32::NAN]).unwrap(), "the logit of class 1 is NaN");
        assert_eq!(oddity(&[f32::INFINITY]).unwrap(), "the logit of class 0 is inf");
        for fine in [&[1.0, 2.0][..], &[0.0], &[]] {
            assert_eq!(oddity(fine), None);
        }
    }
}
