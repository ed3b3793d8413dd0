//! How dense convolutions are computed on each kind of device, pinned: the default of many shapes, and how many others
//! are worth a try.

use crate::check_text;
use crate::figures::digest;
use agf::plan::variant::{PassShape, WinogradTile};
use agf::plan::{DenseKernels, Facts, Profile, Strategy};
use std::fmt::Write;

/// Kernel and stride, channels read and written, rows and columns, and whether it is a product of matrices.
type Shape = ([u32; 2], [u32; 2], [u32; 2], bool);

const SHAPES: [Shape; 12] = [
    ([3, 1], [64, 64], [56, 56], false),
    ([3, 1], [512, 512], [28, 28], false),
    ([3, 1], [512, 512], [7, 7], false),
    ([3, 1], [64, 64], [224, 224], false),
    ([3, 1], [128, 256], [8, 8], false),
    ([3, 1], [8, 3], [224, 200], false),
    ([3, 1], [12, 40], [9, 11], false),
    ([3, 2], [128, 64], [29, 28], false),
    ([7, 2], [3, 64], [112, 112], false),
    ([1, 1], [64, 256], [14, 14], true),
    ([1, 1], [256, 512], [28, 28], true),
    ([1, 2], [1024, 8], [7, 8], false),
];

fn profiles() -> Vec<(&'static str, Profile)> {
    let strategies = [
        ("card", Strategy::GRAPHICS_CARD),
        ("small card", Strategy::SMALL_GRAPHICS_CARD),
        ("software", Strategy::SOFTWARE),
        ("wide software", Strategy::WIDE_SOFTWARE),
    ];
    let all = strategies.map(|(name, strategy)| (name, Profile::SOFTWARE.with_strategy(strategy)));
    let without_int64 = Facts { int64: false, ..Profile::SOFTWARE.facts };
    let limited = [
        ("card, no subgroups", Profile::WEBGPU),
        ("wide software, no integers of 64 bits", all[3].1.with_facts(without_int64)),
        ("small card, subgroups of 4", all[1].1.with_facts(Facts { min_subgroup: Some(4), ..all[1].1.facts })),
    ];
    all.into_iter().chain(limited).collect()
}

/// All passes of a shape: both directions, in one level and two, alone and with another, by every tile.
fn passes(([kernel, stride], [source_channels, channels], [height, width], product): &Shape) -> Vec<PassShape> {
    let tiles = match [*kernel, *stride] {
        [3, 1] => vec![None, Some(WinogradTile::Two), Some(WinogradTile::Four)],
        _ => vec![None],
    };
    let mut passes = Vec::new();
    for winograd in tiles {
        for [transposed, decides, joint] in [
            [false, false, false],
            [false, true, false],
            [false, false, true],
            [false, true, true],
            [true, false, false],
            [true, false, true],
        ] {
            passes.push(PassShape {
                transposed,
                kernel: [*kernel; 2],
                stride: *stride,
                source_channels: *source_channels,
                channels: *channels,
                height: *height,
                width: *width,
                decides,
                winograd,
                joint,
                product: *product,
            });
        }
    }
    passes
}

#[test]
fn variants() {
    let mut text = String::new();
    for shape in SHAPES.iter().flat_map(passes) {
        for (name, profile) in profiles() {
            // Cards join transposes, software drivers forward passes.
            let joins_transposes = profile.strategy.dense == DenseKernels::Tiled;
            let joins_forward = profile.strategy.joint_flops.is_some();
            if shape.joint && !(if shape.transposed { joins_transposes } else { joins_forward }) {
                continue;
            }
            let candidates = shape.candidates(&profile);
            let listed: String = candidates.iter().map(|variant| format!("{variant:?}\n")).collect();
            let (default, count) = (shape.default_variant(&profile), candidates.len());
            assert!(shape.computes(&default, &profile), "{shape}, {name}: {default}");
            writeln!(text, "{shape}, {name}: {default}, {count} in all, {:08x}", digest(&listed)).unwrap();
        }
    }
    check_text("variants", &text);
}
