//! Maps and the ranks of their pixels, which stay on the GPU until an evaluation asks for them.

use super::{Bench, Job};
use crate::error::Error;
use crate::evaluation::pixels::Place;
use crate::evaluation::sample::Sample;
use crate::session::Session;
use crate::{Batch, Target};

impl Bench {
    /// Explains at most [`Bench::capacity`] jobs and ranks the pixels of their maps.
    pub async fn rank(&mut self, samples: &[Sample], jobs: &[Job]) -> Result<(), Error> {
        self.ask()?;
        let count = jobs.len() as u32;
        if self.asked.is_some() {
            let maps = self.maps_of_references(samples, jobs).await?;
            self.pixels.load_maps(&maps.iter().map(Vec::as_slice).collect::<Vec<_>>()).await?;
            return self.pixels.rank(count).await;
        }
        let batch = self.batch_of(jobs.iter().map(|job| &samples[job.sample]));
        let targets: Vec<Target> = jobs.iter().map(|job| Target::Class(job.class)).collect();
        if self.method().schedule().is_some() {
            // Their maps are sums over many variations, made on the host.
            let targets: Vec<Vec<Target>> = targets.into_iter().map(|target| vec![target]).collect();
            let (explained, _) = self.explainer.explain(&batch, &targets).await?;
            let maps = explained.iter().flat_map(|picture| &picture.maps);
            self.pixels.load_maps(&maps.map(|map| &map.values[..]).collect::<Vec<_>>()).await?;
            return self.pixels.rank(count).await;
        }
        let pixels = &self.pixels;
        let copy = async |session: &Session, first| pixels.copy_maps(session, 0, first).await;
        self.explainer.explain_in_place(&batch, &targets, copy).await?;
        self.pixels.rank(count).await?;
        self.check_ranked(&batch, &targets).await
    }

    /// Looks at maps that have not come to the host. What is odd is asked for again, so that it comes there and the
    /// explainer looks at it.
    ///
    /// # Errors
    /// [`Error::Gpu`] where the GPU is found to be wrong.
    async fn check_ranked(&mut self, batch: &Batch, targets: &[Target]) -> Result<(), Error> {
        let ranges = self.pixels.ranges(batch.count).await?;
        for (index, (range, target)) in ranges.iter().zip(targets).enumerate() {
            if self.explainer.has_odd_maps() || range.iter().all(|value| value.is_finite()) {
                continue;
            }
            let (again, _) = self.explainer.explain(&batch.select([index].into_iter()), &[vec![*target]]).await?;
            let maps: Vec<&[f32]> = again.iter().flat_map(|picture| &picture.maps).map(|map| &map.values[..]).collect();
            if maps.iter().flat_map(|map| *map).all(|value| value.is_finite()) {
                let found =
                    format!("a map from {} to {}, and finite values when it was asked again", range[0], range[1]);
                return Err(self.gpu.wrong_results(found).into());
            }
        }
        Ok(())
    }

    /// Maps of the references that stand for the jobs' classes.
    async fn maps_of_references(&mut self, samples: &[Sample], jobs: &[Job]) -> Result<Vec<Vec<f32>>, Error> {
        let mut maps = Vec::with_capacity(jobs.len());
        for Job { sample, class } in jobs {
            let sample = &samples[*sample];
            let explained = self.explain_references(sample).await?;
            let own = explained.into_iter().flat_map(|picture| picture.maps).zip(&sample.classes);
            maps.extend(own.filter(|(_, known)| *known == class).map(|(map, _)| map.values).take(1));
        }
        Ok(maps)
    }

    /// The first `count` maps that were ranked, height x width values each.
    ///
    /// # Errors
    /// [`Error::Gpu`] where the GPU fails, or gives values that are not finite of a map whose range is.
    pub async fn maps(&self, count: usize) -> Result<Vec<Vec<f32>>, Error> {
        let is_finite = |values: &[f32]| values.iter().all(|value| value.is_finite());
        let maps = self.pixels.maps(count as u32).await?;
        if maps.iter().all(|map| is_finite(map)) {
            return Ok(maps);
        }
        let ranges = self.pixels.ranges(count as u32).await?;
        match maps.iter().zip(ranges).find(|(map, range)| !is_finite(map) && is_finite(range)) {
            Some((_, [low, high])) => {
                let found = format!("values that are not finite of a map from {low} to {high}");
                Err(self.gpu.wrong_results(found).into())
            }
            None => Ok(maps),
        }
    }

    /// The places of pixels in the first `count` maps that were ranked.
    pub async fn places(&self, count: usize) -> Result<Vec<Vec<Place>>, Error> {
        self.pixels.places(count as u32).await
    }
}
