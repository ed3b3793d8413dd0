//! "Is it true?": what the network says when the pixels that a map names are hidden. They are ranked and replaced on
//! the GPU.

use crate::run::{Pace, Run};
use agf::evaluation::pixels::{Copy, Pixels, Rule};
use agf::{Batch, Error, Explainer, Gpu, SessionShape};
use std::sync::Arc;

/// What hidden pixels become.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Replacement {
    /// A colour, normalised as the network wants it.
    Color([f32; 3]),
    /// The photo itself, blurred.
    Blurred,
}

/// A picture to be answered with some of its pixels hidden.
#[derive(Clone, Debug, PartialEq)]
pub struct Perturbation {
    /// The picture.
    pub picture: Arc<Batch>,
    /// By what its pixels are ranked: a map, or what a brush covers.
    pub map: Arc<[f32]>,
    /// Which are hidden.
    pub rule: Rule,
    /// What they become.
    pub replacement: Replacement,
}

/// The answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Perturbed {
    /// The logits.
    pub logits: Vec<f32>,
    /// Which pixels were hidden, row by row.
    pub is_hidden: Vec<bool>,
}

/// Buffers for one size of pictures.
pub struct Perturber {
    gpu: Gpu,
    pixels: Option<(u32, u32, Pixels)>,
    pace: Pace,
}

/// How far the blurred replacement reaches, in pixels, and its standard deviation, as in the evaluations.
pub const BLUR: (u32, f32) = (5, 5.0);

impl Perturber {
    /// Makes no buffers yet.
    pub fn new(gpu: &Gpu) -> Self {
        Self { gpu: gpu.clone(), pixels: None, pace: Pace::default() }
    }

    /// Hides pixels and classifies what is left.
    ///
    /// # Errors
    /// Where the GPU fails.
    pub async fn perturb(&mut self, explainer: &mut Explainer, asked: &Perturbation) -> Result<Perturbed, Error> {
        let Batch { height, width, .. } = *asked.picture;
        if self.pixels.as_ref().is_none_or(|(rows, columns, _)| (*rows, *columns) != (height, width)) {
            self.pixels = Some((height, width, Pixels::new(&self.gpu, height, width, 1).await?));
        }
        let Some((_, _, pixels)) = &self.pixels else { return Err(Error::Stopped) };
        pixels.load_pictures(&asked.picture).await?;
        pixels.load_maps(&[&asked.map]).await?;
        pixels.rank(1).await?;
        match asked.replacement {
            Replacement::Color(color) => pixels.replace_by_color(color).await?,
            Replacement::Blurred => pixels.replace_by_blurred(BLUR.0, BLUR.1).await?,
        }
        let session = explainer.session(SessionShape { count: 1, height, width, slots: 0 }).await?;
        pixels.write_copies(&[Copy { picture: 0, map: 0, rule: asked.rule }], &session).await?;
        Run::new(session.clone()).finish(&self.gpu, &mut self.pace).await;
        let logits = session.read().await?.into_iter().next().map(|picture| picture.logits).unwrap_or_default();
        let places = pixels.places(1).await?;
        let is_hidden = places.iter().flatten().map(|place| match asked.rule {
            Rule::Whole => false,
            Rule::Lowest(count) => place.from_lowest < count,
            Rule::Highest(count) => place.from_highest < count,
            Rule::AllButHighest(count) => place.from_highest >= count,
        });
        Ok(Perturbed { logits, is_hidden: is_hidden.collect() })
    }
}
