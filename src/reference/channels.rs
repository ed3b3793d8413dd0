//! The reference's normalisation of each pixel's channels.

use crate::graph::{Constant, Shape};

/// `(x - mean) / sqrt(variance + epsilon)`
pub(super) fn normalized(epsilon: Constant, x: &[f64], shape: Shape) -> Vec<f64> {
    by_pixel(&[x], shape, |values| standardized(epsilon, values[0]).0)
}

/// `(g - mean(g) - y mean(g y)) / sqrt(variance + epsilon)` with y the normalised x.
pub(super) fn gradient(epsilon: Constant, g: &[f64], x: &[f64], shape: Shape) -> Vec<f64> {
    by_pixel(&[g, x], shape, |values| {
        let (g, (y, deviation)) = (values[0], standardized(epsilon, values[1]));
        let product: Vec<f64> = g.iter().zip(&y).map(|(g, y)| g * y).collect();
        let (of_g, of_product) = (mean(g), mean(&product));
        g.iter().zip(&y).map(|(g, y)| (g - of_g - y * of_product) / deviation).collect()
    })
}

/// The normalised values, and what they were divided by.
fn standardized(epsilon: Constant, x: &[f64]) -> (Vec<f64>, f64) {
    let centre = mean(x);
    let squares: Vec<f64> = x.iter().map(|x| (x - centre).powi(2)).collect();
    let deviation = (mean(&squares) + f64::from(epsilon.value())).sqrt();
    (x.iter().map(|x| (x - centre) / deviation).collect(), deviation)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// What `of` makes of the channels of each pixel of some values.
fn by_pixel(values: &[&[f64]], shape: Shape, of: impl Fn(&[&[f64]]) -> Vec<f64>) -> Vec<f64> {
    let pixels = shape.pixels() as usize;
    let mut result = vec![0.0; shape.elements() as usize];
    for pixel in 0..pixels {
        let columns: Vec<Vec<f64>> =
            values.iter().map(|value| value.iter().skip(pixel).step_by(pixels).copied().collect()).collect();
        let slices: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
        for (channel, value) in of(&slices).into_iter().enumerate() {
            result[channel * pixels + pixel] = value;
        }
    }
    result
}
