//! The dispatches of ranking, masking and blurring as plain data.

use crate::plan::Call;
use crate::plan::kernel::{Kernel, Shader};
use crate::plan::uniforms::Uniforms;

/// Neighbours that one lane sorts.
pub(super) const RUN: u32 = 16;
/// Bits of a key that one step of the radix sort looks at.
const DIGIT_BITS: u32 = 4;
/// Different values of these bits.
pub(super) const DIGITS: u32 = 1 << DIGIT_BITS;

/// Positions in the list of buffers.
pub(super) const MAPS: usize = 0;
pub(super) const KEYS: usize = 1;
pub(super) const SORTED: usize = 2;
/// Where the keys are in the end, sorted, after an even number of steps.
pub(super) const RANKED: usize = KEYS;
pub(super) const COUNTS: usize = 3;
pub(super) const PLACES: usize = 4;
pub(super) const PICTURES: usize = 5;
pub(super) const REPLACEMENTS: usize = 6;
pub(super) const SCRATCH: usize = 7;
pub(super) const COPIES: usize = 8;
/// The session's input, behind the buffers of its own.
pub(super) const INPUT: usize = 9;

/// Workgroups of 64 lanes for `lanes` lanes of each of `samples`.
fn workgroups(lanes: u32, samples: u32) -> [u32; 3] {
    [lanes.div_ceil(64), 1, samples]
}

/// Ranks the pixels of `maps` maps: a radix sort from the lowest digit to the highest, each step of which keeps the
/// order of equals.
pub fn rank_calls(pixels: u32, maps: u32) -> Vec<Call> {
    let runs = pixels.div_ceil(RUN);
    let call = |shader, uniforms, buffers: &[usize], workgroups| Call {
        kernel: Kernel::new(shader),
        uniforms,
        buffers: buffers.to_vec(),
        workgroups,
    };
    let of_pixels = || Uniforms::new().with("pixels", pixels);
    let mut calls = vec![call(Shader::RankKeys, of_pixels(), &[MAPS, KEYS], workgroups(pixels, maps))];
    let (mut from, mut to) = (KEYS, SORTED);
    for shift in (0..u32::BITS).step_by(DIGIT_BITS as usize) {
        let of_digit = || of_pixels().with("run", RUN).with("runs", runs).with("shift", shift);
        let scan = Uniforms::new().with("count", DIGITS * runs);
        calls.push(call(Shader::RankCount, of_digit(), &[from, COUNTS], workgroups(runs, maps)));
        calls.push(call(Shader::RankScan, scan, &[COUNTS], [1, 1, maps]));
        calls.push(call(Shader::RankScatter, of_digit(), &[from, COUNTS, to], workgroups(runs, maps)));
        (from, to) = (to, from);
    }
    calls.push(call(Shader::RankPlaces, of_pixels(), &[from, PLACES], workgroups(pixels, maps)));
    calls
}

/// Writes `copies` copies.
pub fn copy_calls(pixels: u32, copies: u32) -> Vec<Call> {
    vec![Call {
        kernel: Kernel::new(Shader::MaskedCopies),
        uniforms: Uniforms::new().with("pixels", pixels),
        buffers: vec![PICTURES, REPLACEMENTS, PLACES, COPIES, INPUT],
        workgroups: workgroups(pixels, copies),
    }]
}

/// Blurs `pictures` pictures: columns, then rows.
pub fn blur_calls(height: u32, width: u32, pictures: u32, radius: u32, deviation: f32) -> Vec<Call> {
    let call = |vertical: bool, buffers: [usize; 2]| Call {
        kernel: Kernel::new(Shader::Blur),
        uniforms: Uniforms::new()
            .with("height", height)
            .with("width", width)
            .with("vertical", vertical)
            .with("radius", radius)
            .with("deviation", deviation),
        buffers: buffers.to_vec(),
        workgroups: workgroups(height * width, pictures),
    };
    vec![call(true, [PICTURES, SCRATCH]), call(false, [SCRATCH, REPLACEMENTS])]
}
