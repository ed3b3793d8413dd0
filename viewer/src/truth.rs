//! "Is it true?" as the user sets it, and the answer to it.

use crate::perturbation::{BLUR, Perturbation, Perturbed, Replacement};
use crate::picture::Picture;
use agf::evaluation::pixels::Rule;
use agf::models::InputSpec;
use eframe::egui;
use image::{Rgb, RgbImage};
use std::sync::Arc;

/// Which pixels are hidden.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Those that speak most for the class.
    #[default]
    MostFirst,
    /// Those that speak least for it, or most against it.
    LeastFirst,
    /// All but those that speak most for it.
    KeepMost,
    /// Those under the brush.
    Brush,
}

impl Order {
    /// Every order, the default first.
    pub const ALL: [Self; 4] = [Self::MostFirst, Self::LeastFirst, Self::KeepMost, Self::Brush];

    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::MostFirst => "the most relevant",
            Self::LeastFirst => "the least relevant",
            Self::KeepMost => "all but the most relevant",
            Self::Brush => "what I brush over",
        }
    }
}

/// What hidden pixels become.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hidden {
    /// Black.
    #[default]
    Black,
    /// The colour that the network sees as 0.
    Mean,
    /// The photo, blurred.
    Blurred,
}

impl Hidden {
    /// Every kind, the default first.
    pub const ALL: [Self; 3] = [Self::Black, Self::Mean, Self::Blurred];

    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Black => "black",
            Self::Mean => "the mean colour",
            Self::Blurred => "blurred",
        }
    }

    fn replacement(self, spec: &InputSpec) -> Replacement {
        match self {
            Self::Black => Replacement::Color(std::array::from_fn(|channel| -spec.mean[channel] / spec.std[channel])),
            Self::Mean => Replacement::Color([0.0; 3]),
            Self::Blurred => Replacement::Blurred,
        }
    }
}

/// The test as it is set.
pub struct Truth {
    /// Share of the pixels, from 0 to 1.
    pub share: f32,
    /// Which pixels.
    pub order: Order,
    /// What they become.
    pub hidden: Hidden,
    /// Which map ranks them.
    pub map: usize,
    /// Radius of the brush, in pixels of the network's input.
    pub brush: f32,
    /// What the brush has covered, row by row.
    covered: Vec<f32>,
    /// The last answer.
    pub answer: Option<Perturbed>,
    /// The network's input with the hidden pixels, on the screen.
    pub texture: Option<egui::TextureHandle>,
    asked: Option<Perturbation>,
    is_waiting: bool,
    ticket: u64,
}

impl Default for Truth {
    fn default() -> Self {
        Self {
            share: 0.0,
            order: Order::MostFirst,
            hidden: Hidden::Black,
            map: 0,
            brush: 12.0,
            covered: Vec::new(),
            answer: None,
            texture: None,
            asked: None,
            is_waiting: false,
            ticket: 0,
        }
    }
}

impl Truth {
    /// Whether pixels are hidden.
    pub fn is_on(&self) -> bool {
        match self.order {
            Order::MostFirst | Order::LeastFirst | Order::KeepMost => self.share > 0.0,
            Order::Brush => self.covered.contains(&1.0),
        }
    }

    /// Forgets what belongs to a picture.
    pub fn clear(&mut self) {
        self.ticket += 1;
        self.covered.clear();
        (self.answer, self.texture, self.asked, self.is_waiting) = (None, None, None, false);
    }

    /// Covers what the brush touches at a position of the network's input.
    pub fn touch(&mut self, [x, y]: [f32; 2], width: u32, height: u32) {
        self.covered.resize(width as usize * height as usize, 0.0);
        let reach = self.brush.ceil() as i64;
        let (column, row) = (x as i64, y as i64);
        for row in (row - reach).max(0)..(row + reach + 1).min(i64::from(height)) {
            for column in (column - reach).max(0)..(column + reach + 1).min(i64::from(width)) {
                let (across, down) = (column as f32 + 0.5 - x, row as f32 + 0.5 - y);
                let index = row as usize * width as usize + column as usize;
                if let Some(pixel) = self.covered.get_mut(index).filter(|_| across.hypot(down) <= self.brush) {
                    *pixel = 1.0;
                }
            }
        }
    }

    /// Takes the brush's cover away.
    pub fn uncover(&mut self) {
        self.covered.clear();
    }

    /// What should be asked of the network, if it is not what was asked last.
    pub fn question(
        &mut self,
        batch: &Arc<agf::Batch>,
        map: Option<&[f32]>,
        spec: &InputSpec,
    ) -> Option<(u64, Perturbation)> {
        if self.is_waiting {
            return None;
        }
        if !self.is_on() {
            (self.answer, self.texture, self.asked) = (None, None, None);
            return None;
        }
        let pixels = batch.height * batch.width;
        let count = (f64::from(self.share) * f64::from(pixels)).round() as u32;
        let (rule, map) = match self.order {
            Order::MostFirst => (Rule::Highest(count), map?),
            Order::LeastFirst => (Rule::Lowest(count), map?),
            Order::KeepMost => (Rule::AllButHighest(pixels - count), map?),
            Order::Brush => {
                let covered = self.covered.iter().filter(|&&pixel| pixel > 0.0).count();
                (Rule::Highest(covered as u32), &self.covered[..])
            }
        };
        let replacement = self.hidden.replacement(spec);
        let question = Perturbation { picture: batch.clone(), map: map.into(), rule, replacement };
        if self.asked.as_ref() == Some(&question) {
            return None;
        }
        self.asked = Some(question.clone());
        self.is_waiting = true;
        Some((self.ticket, question))
    }

    /// An answer has come.
    pub fn answered(
        &mut self,
        ticket: u64,
        perturbed: Result<Perturbed, String>,
        picture: &Picture,
        context: &egui::Context,
    ) -> Result<(), String> {
        if ticket != self.ticket {
            return Ok(());
        }
        self.is_waiting = false;
        let perturbed = perturbed?;
        let image = shown(picture, &perturbed.is_hidden, self.hidden);
        self.texture = Some(context.load_texture("hidden", image, egui::TextureOptions::LINEAR));
        self.answer = Some(perturbed);
        Ok(())
    }
}

/// The network's input as the user sees it.
fn shown(picture: &Picture, is_hidden: &[bool], hidden: Hidden) -> egui::ColorImage {
    let crop = &picture.prepared.crop;
    let (width, height) = crop.dimensions();
    let hiding = match hidden {
        Hidden::Black => RgbImage::new(width, height),
        Hidden::Mean => RgbImage::from_pixel(width, height, Rgb([118; 3])),
        Hidden::Blurred => blurred(crop),
    };
    let pixel = |((own, hiding), is_hidden): ((&Rgb<u8>, &Rgb<u8>), &bool)| {
        let Rgb([red, green, blue]) = if *is_hidden { *hiding } else { *own };
        egui::Color32::from_rgb(red, green, blue)
    };
    let pixels = crop.pixels().zip(hiding.pixels()).zip(is_hidden).map(pixel).collect();
    egui::ColorImage::new([width as usize, height as usize], pixels)
}

/// A photo as blurred pixels look to the network.
fn blurred(photo: &RgbImage) -> RgbImage {
    let (width, height) = photo.dimensions();
    let values: Vec<[f32; 3]> = photo.pixels().map(|pixel| pixel.0.map(f32::from)).collect();
    let size = [height as usize, width as usize];
    let values = blurred_along(&blurred_along(&values, size, false), size, true);
    let bytes = values.iter().flatten().map(|value| value.round() as u8).collect();
    RgbImage::from_raw(width, height, bytes).unwrap_or_else(|| photo.clone())
}

/// Rows or columns of [height, width] pixels, blurred; beyond the edge the edge's pixel counts.
fn blurred_along(values: &[[f32; 3]], [height, width]: [usize; 2], is_vertical: bool) -> Vec<[f32; 3]> {
    let (radius, deviation) = (BLUR.0 as isize, BLUR.1);
    let weight = |step: isize| (step, (-0.5 * (step as f32 / deviation).powi(2)).exp());
    let steps: Vec<(isize, f32)> = (-radius..=radius).map(weight).collect();
    let total: f32 = steps.iter().map(|&(_, weight)| weight).sum();
    let blurred = |pixel: usize| {
        let (row, column) = (pixel / width, pixel % width);
        let (here, last) = if is_vertical { (row, height - 1) } else { (column, width - 1) };
        let mut sum = [0.0; 3];
        for &(step, weight) in &steps {
            let there = here.saturating_add_signed(step).min(last);
            let index = if is_vertical { there * width + column } else { row * width + there };
            sum.iter_mut().zip(values[index]).for_each(|(sum, value)| *sum += weight * value / total);
        }
        sum
    };
    (0..values.len()).map(blurred).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_brush_covers_a_disc_and_stays_within_the_picture() {
        let mut truth = Truth { brush: 2.0, order: Order::Brush, ..Default::default() };
        assert!(!truth.is_on());
        truth.touch([0.0, 0.0], 8, 6);
        assert!(truth.is_on());
        let covered: Vec<usize> = (0..48).filter(|&index| truth.covered[index] == 1.0).collect();
        assert_eq!(covered, [0, 1, 8], "a quarter of a disc");
        truth.touch([-50.0, 900.0], 8, 6);
        truth.uncover();
        assert!(!truth.is_on());
    }
    #[test]
    fn a_blurred_pixel_goes_as_far_as_the_radius() {
        let mut photo = RgbImage::new(21, 15);
        photo.put_pixel(10, 7, Rgb([255, 0, 100]));
        let blurred = blurred(&photo);
        let of = |x: u32, y: u32| blurred.get_pixel(x, y).0;
        assert!(of(10, 7)[0] > of(15, 7)[0] && of(15, 7)[0] > 0 && of(10, 7)[1] == 0);
        assert_eq!(of(15, 7), of(5, 7), "both sides alike");
        assert_eq!(of(10, 12), of(10, 2), "above and below");
        assert!(of(15, 7)[0] > 0 && of(16, 7) == [0; 3] && of(10, 13) == [0; 3]);
        let flat = RgbImage::from_pixel(4, 3, Rgb([10, 200, 255]));
        assert_eq!(super::blurred(&flat), flat);
    }
}
