//! Cheap facts of every run that tell a GPU which computes nothing from one that works.

use super::{Cost, Explainer};
use crate::batch::Batch;
use crate::error::Error;
use crate::gpu::GpuError;
use crate::map::{Explained, Map};
use crate::methods::Variation;
use crate::reference::Reference;
use crate::session::Session;
use crate::target::Target;
use crate::verify::verify;

/// What a session is asked.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub batch: &'a Batch,
    /// By picture.
    pub targets: &'a [Vec<Target>],
    /// By picture, where they are varied.
    pub variations: Option<&'a [Variation]>,
}

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

/// What is odd about a map of a class.
fn oddity_of_map(map: &Map, class: u32) -> Option<String> {
    let sums = map.conservation.iter().map(|layer| layer.sum);
    let odd = map.nan_count() + map.infinite_count();
    if map.class != class {
        return Some(format!("a map of class {} for one of class {class}", map.class));
    }
    if odd > 0 {
        return Some(format!("{odd} values of the map of class {class} that are no finite numbers"));
    }
    let sum = map.peak.into_iter().chain(sums).find(|sum| !sum.is_finite())?;
    Some(format!("{sum} for a sum over the map of class {class}"))
}

impl Explainer {
    /// Looks at maps. What is odd is asked for again, and verified, once: a network may be so.
    ///
    /// # Errors
    /// [`Error::Gpu`] where the GPU gives other values on being asked again, or is found to be wrong.
    pub(super) async fn check_maps(
        &mut self,
        session: &Session,
        asked: &Asked<'_>,
        explained: &[Explained],
    ) -> Result<(), Error> {
        if self.has_odd_maps {
            return Ok(());
        }
        let odd = |(index, (picture, targets)): (usize, (&Explained, &Vec<Target>))| {
            let of_target = |(map, target): (&Map, &Target)| oddity_of_map(map, target.class(&picture.logits).ok()?);
            let found = picture.maps.iter().zip(targets).find_map(of_target)?;
            asked.batch.picture(index).iter().all(|value| value.is_finite()).then_some((index, found))
        };
        let Some((index, found)) = explained.iter().zip(asked.targets).enumerate().find_map(odd) else {
            return Ok(());
        };
        let again = self.ask(session, asked, &mut Cost::default()).await?;
        if !explained.iter().zip(&again).all(|(a, b)| has_equal_bits(a, b)) {
            return Err(self.gpu.wrong_results(format!("{found}, and others when it was asked again")).into());
        }
        match verify(&self.gpu, &self.model, &self.method, &asked.batch.select([index].into_iter())).await {
            Ok(verification) if verification.passed() => {}
            Err(Error::Gpu(GpuError::OutOfMemory { .. })) => {}
            Ok(_) => return Err(self.gpu.wrong_results(found).into()),
            Err(error) => return Err(error),
        }
        self.has_odd_maps = true;
        Ok(())
    }

    /// Whether maps that are no finite numbers were found to be the network's own.
    #[cfg(feature = "evaluation")]
    pub(crate) fn has_odd_maps(&self) -> bool {
        self.has_odd_maps
    }

    /// Looks at the answers to pictures that are changed on the GPU, of a network whose answers to whole ones are not
    /// odd.
    ///
    /// # Errors
    /// [`Error::Gpu`] for a logit that is not finite.
    #[cfg(feature = "evaluation")]
    pub(crate) fn check_finite<'a>(&self, mut logits: impl Iterator<Item = &'a f32>) -> Result<(), Error> {
        match logits.find(|logit| !logit.is_finite()) {
            Some(logit) if !self.has_odd_logits => {
                Err(self.gpu.wrong_results(format!("the logit {logit} of a picture with pixels replaced")).into())
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Looks at the answers to whole pictures. What is odd is computed again on the CPU, once: a network may be so.
    ///
    /// # Errors
    /// [`Error::Gpu`] where the GPU's logits are odd and the exact ones are not.
    pub(crate) fn check_facts<'a>(
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

/// Whether logits and maps are the same, NaN included.
fn has_equal_bits(a: &Explained, b: &Explained) -> bool {
    let bits = |picture: &Explained| -> Vec<u32> {
        let maps = picture.maps.iter().flat_map(|map| map.values.iter().chain(&map.peak));
        maps.chain(&picture.logits).map(|value| value.to_bits()).collect()
    };
    let classes = |picture: &Explained| -> Vec<u32> { picture.maps.iter().map(|map| map.class).collect() };
    bits(a) == bits(b) && classes(a) == classes(b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map::LayerSum;

    #[test]
    fn maps_of_nothing_are_odd() {
        let fine = Map {
            class: 3,
            height: 1,
            width: 2,
            values: vec![0.0, -1.5],
            peak: Some(0.5),
            completeness_gap: None,
            mask_loss: None,
            conservation: vec![LayerSum { layer: "x".into(), sum: 1.0 }],
        };
        assert_eq!(oddity_of_map(&fine, 3), None);
        assert_eq!(oddity_of_map(&fine, 0).unwrap(), "a map of class 3 for one of class 0");
        let values = Map { values: vec![f32::NAN, f32::INFINITY], ..fine.clone() };
        assert!(oddity_of_map(&values, 3).unwrap().starts_with("2 values of the map of class 3"));
        let peak = Map { peak: Some(f32::NAN), ..fine.clone() };
        assert_eq!(oddity_of_map(&peak, 3).unwrap(), "NaN for a sum over the map of class 3");
        let sum = Map { conservation: vec![LayerSum { layer: "x".into(), sum: f32::INFINITY }], ..fine.clone() };
        assert!(oddity_of_map(&sum, 3).is_some());
        let explained = |map: &Map| Explained { logits: vec![1.0], maps: vec![map.clone()] };
        assert!(has_equal_bits(&explained(&values), &explained(&values)));
        for other in [&fine, &Map { class: 2, ..values.clone() }, &Map { peak: None, ..values.clone() }] {
            assert!(!has_equal_bits(&explained(&values), &explained(other)));
        }
    }

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
