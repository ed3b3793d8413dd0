//! What all methods together say of a run's pictures.

use super::decode::Picture;
use super::lasting::Lasting;
use super::without::comparison::{Joined, Neighbours};
use super::{interrupt, pipeline};
use agf::error::Error;
use agf::methods::Method;
use agf::{Batch, Cost, Explainer, Map, Target};

/// A map, and the name of the method that made it.
pub(super) struct MethodMap {
    pub(super) method: &'static str,
    pub(super) map: Map,
    /// Relative change of the map when the input changes by a millionth, where that was asked for.
    pub(super) sensitivity: Option<f64>,
}

/// One picture's logits and maps, method by method.
pub(super) struct Answer {
    pub(super) logits: Vec<f32>,
    pub(super) maps: Vec<MethodMap>,
}

/// An explainer and what it is asked of every picture.
pub(super) struct Questions<'a> {
    pub(super) explainer: Lasting<'a, Explainer>,
    pub(super) methods: Vec<Method>,
    pub(super) targets: Vec<Target>,
    /// The seed of the sensitivity figure, where it is wanted.
    pub(super) audit: Option<u64>,
    /// Where pictures have neighbours.
    pub(super) neighbours: Option<Neighbours>,
}

impl Questions<'_> {
    /// The pictures as a batch, of those that have a neighbour where neighbours are asked for.
    pub(super) fn batch(&mut self, pictures: &mut Vec<Picture>) -> Result<Joined, Error> {
        match &self.neighbours {
            Some(neighbours) => neighbours.join(&mut self.explainer, pictures),
            None => Ok(Joined { batch: pipeline::batch_of(pictures), failures: Vec::new() }),
        }
    }

    /// Asks all methods for maps of all classes.
    pub(super) fn ask(&mut self, batch: &Batch) -> Result<(Vec<Answer>, Cost), Error> {
        let targets = vec![self.targets.clone(); batch.count as usize];
        let mut answers: Vec<Answer> = Vec::new();
        let mut cost = Cost::default();
        for method in &self.methods {
            go_on()?;
            self.explainer.worker().set_method(method.clone());
            let explain = async |explainer: &mut Explainer| explainer.explain(batch, &targets).await;
            let (explained, of_method) = self.explainer.run(explain)?;
            add(&mut cost, &of_method);
            let mut changes = vec![Vec::new(); explained.len()];
            if let Some(seed) = self.audit {
                go_on()?;
                let of_audit;
                let audit = async |explainer: &mut Explainer| explainer.sensitivity(batch, &explained, seed).await;
                (changes, of_audit) = self.explainer.run(audit)?;
                add(&mut cost, &of_audit);
            }
            answers.resize_with(explained.len(), || Answer { logits: Vec::new(), maps: Vec::new() });
            for ((answer, picture), changes) in answers.iter_mut().zip(explained).zip(changes) {
                answer.logits = picture.logits;
                for (index, map) in picture.maps.into_iter().enumerate() {
                    let sensitivity = changes.get(index).copied();
                    answer.maps.push(MethodMap { method: method.name(), map, sensitivity });
                }
            }
        }
        Ok((answers, cost))
    }

    /// Runs of each picture that the progress counts.
    pub(super) fn runs_per_picture(&self) -> u64 {
        let runs = |method: &Method| u64::from(method.schedule().map_or(1, |schedule| schedule.count()));
        let once: u64 = self.methods.iter().map(runs).sum();
        let of_neighbour = u64::from(self.neighbours.as_ref().is_some_and(Neighbours::are_searched));
        let times = if self.audit.is_some() { 2 } else { 1 };
        once * times + of_neighbour
    }
}

/// Stops between two calls as the explainer does between two runs.
fn go_on() -> Result<(), Error> {
    if interrupt::is_requested() { Err(Error::Stopped) } else { Ok(()) }
}

fn add(total: &mut Cost, cost: &Cost) {
    total.prepare_ms += cost.prepare_ms;
    total.upload_ms += cost.upload_ms;
    total.gpu_ms += cost.gpu_ms;
    total.read_back_ms += cost.read_back_ms;
    total.gpu_bytes = total.gpu_bytes.max(cost.gpu_bytes);
}
