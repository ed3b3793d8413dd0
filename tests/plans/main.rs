//! Plans as text for the two small networks, for graphics cards and for software drivers, pinned: a change of the
//! planner shows up here as a reviewable diff. To accept one, run with `AGF_ACCEPT=1`. Of many other networks the
//! figures of their plans are.

#[path = "../common/mod.rs"]
mod common;
mod dispatches;
mod figures;
mod variants;

use agf::graph::Role;
use agf::methods::agf::{Ablations, explain};
use agf::models::{Architecture, Precision};
use agf::plan::kernel::Shader;
use agf::plan::memory::{Lifetime, Place, lower_bound, place};
use agf::plan::packing::{Element, Packing};
use agf::plan::uniforms::Scalar;
use agf::plan::variant::{Algorithm, DenseKernel, DensePass, Variant, WinogradTile};
use agf::plan::{DenseKernels, Facts, Plan, Profile, Sharing, Step, Strategy};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

fn plan(architecture: Architecture, slots: u32) -> Plan {
    plan_for(&Profile::WEBGPU, architecture, [32, 40], slots)
}

fn plan_for(profile: &Profile, architecture: Architecture, [height, width]: [u32; 2], slots: u32) -> Plan {
    let network = architecture.build(height, width, architecture.default_classes()).unwrap();
    let explanation = explain(&network, slots, Ablations::default()).unwrap();
    let mut outputs = vec![explanation.logits];
    outputs.extend(explanation.maps.iter().flat_map(|map| [Some(map.class), Some(map.map), map.peak]).flatten());
    Plan::new(&explanation.graph, &outputs, 1, profile, Sharing::Shared).unwrap()
}

/// A software driver with subgroups of 8 lanes.
fn software() -> Profile {
    Profile::SOFTWARE.with_strategy(Strategy { joint_flops: Some(0), ..Strategy::SOFTWARE })
}

fn check(name: &str, profile: &Profile, architecture: Architecture) {
    check_text(name, &plan_for(profile, architecture, [32, 40], 1).to_string());
}

fn check_text(name: &str, text: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/plans/{name}.txt"));
    if std::env::var_os("AGF_ACCEPT").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let pinned = std::fs::read_to_string(&path).unwrap();
    for (number, (line, expected)) in text.lines().zip(pinned.lines()).enumerate() {
        assert_eq!(line, expected, "line {} of {}; AGF_ACCEPT=1 accepts the change", number + 1, path.display());
    }
    assert_eq!(text.lines().count(), pinned.lines().count(), "number of lines of {}", path.display());
}

#[test]
fn tiny_vgg() {
    check("tiny_vgg", &Profile::WEBGPU, Architecture::TinyVgg);
    check("tiny_vgg_software", &Profile::SOFTWARE, Architecture::TinyVgg);
}

#[test]
fn tiny_resnet() {
    check("tiny_resnet", &Profile::WEBGPU, Architecture::TinyResNet);
    check("tiny_resnet_software", &Profile::SOFTWARE, Architecture::TinyResNet);
}

/// The kernels of a dense pass, with their uniforms and workgroups.
fn steps_of(plan: &Plan, pass: &DensePass) -> String {
    let steps = plan.steps[pass.steps.clone()].iter();
    steps.map(|step| format!("{} {} {:?}\n", step.kernel, step.uniforms, step.workgroups)).collect()
}

#[test]
fn a_tuned_choice_changes_its_shape_alone() {
    let profile = Profile::WEBGPU.with_facts(Profile::SOFTWARE.facts).with_winograd(Some(WinogradTile::Four));
    let plain = plan_for(&profile, Architecture::TinyVgg, [32, 40], 1);
    assert_eq!(plain.to_string(), plan(Architecture::TinyVgg, 1).to_string(), "what fits is not taken by itself");
    let mut tried = 0;
    for shape in plain.dense.iter().map(|pass| pass.shape).collect::<BTreeSet<_>>() {
        for variant in shape.candidates(&profile) {
            let profile = profile.with_tuning([(shape, variant)].into());
            let tuned = plan_for(&profile, Architecture::TinyVgg, [32, 40], 1);
            assert_eq!(tuned.dense.len(), plain.dense.len());
            for (pass, before) in tuned.dense.iter().zip(&plain.dense) {
                let is_same = steps_of(&tuned, pass) == steps_of(&plain, before);
                let stays = pass.shape != shape || variant == shape.default_variant(&profile);
                assert_eq!(is_same, stays, "{shape}: {variant}, pass of {}", pass.shape);
                assert!(stays || pass.variant == variant, "{shape}: {variant}");
            }
            tried += 1;
        }
    }
    assert!(tried > 20, "only {tried} choices");
}

#[test]
fn a_choice_that_does_not_fit_has_no_effect() {
    let plain = plan(Architecture::TinyVgg, 1);
    let broadcast = Variant { algorithm: Algorithm::Direct, kernel: DenseKernel::Broadcast, row_tiles: 1 };
    let tuning = plain.dense.iter().map(|pass| (pass.shape, broadcast)).collect();
    assert_eq!(plan_for(&Profile::WEBGPU.with_tuning(tuning), Architecture::TinyVgg, [32, 40], 1), plain);
}

#[test]
fn defaults_are_among_the_candidates() {
    let large_tiles = software().with_winograd(Some(WinogradTile::Four));
    for profile in [Profile::WEBGPU, software(), large_tiles] {
        for architecture in Architecture::ALL {
            for pass in plan_for(&profile, architecture, [64, 72], 1).dense {
                let default = pass.shape.default_variant(&profile);
                assert!(
                    pass.shape.candidates(&profile).contains(&default),
                    "{architecture}, {}: {default}",
                    pass.shape
                );
            }
        }
    }
}

#[test]
fn values_stay_near_the_lower_bound() {
    for (profile, architecture) in [Profile::WEBGPU, software()].iter().flat_map(|p| Architecture::ALL.map(|a| (p, a)))
    {
        let plan = plan_for(profile, architecture, [64, 72], 2);
        assert!(plan.value_bytes() as f64 <= 1.2 * plan.lower_bound as f64, "{architecture}: {plan}");
    }
}

/// Each step finds what it reads as it was written: something wrote it, and nothing else has written over it since.
#[test]
fn steps_read_what_was_written() {
    for (profile, architecture) in [Profile::WEBGPU, software()].iter().flat_map(|p| Architecture::ALL.map(|a| (p, a)))
    {
        let plan = plan_for(profile, architecture, [64, 96], 2);
        // Who wrote each 256 bytes of memory last; the host fills some before the first step.
        let mut owners: Vec<Vec<Option<usize>>> =
            plan.buffers.iter().map(|&bytes| vec![None; (bytes / 256) as usize]).collect();
        let written: BTreeSet<usize> = plan
            .steps
            .iter()
            .flat_map(|step| step.values.iter().rev().take(step.written))
            .map(|id| id.index())
            .collect();
        let range = |value: usize| {
            let (place, bytes) = (plan.places[value], plan.values[value].bytes);
            (place.buffer, (place.offset / 256) as usize..(place.offset + bytes).div_ceil(256) as usize)
        };
        let is_within = |part: usize, whole: usize| plan.values[part].within.is_some_and(|(id, _)| id.index() == whole);
        let is_of = |owner: usize, value: usize| owner == value || is_within(owner, value) || is_within(value, owner);
        let is_given = |value: &usize| {
            let of = &plan.values[*value];
            of.node.is_some() && of.within.is_none() && !written.contains(value)
        };
        for value in (0..plan.values.len()).filter(is_given) {
            let (buffer, range) = range(value);
            owners[buffer][range].fill(Some(value));
        }
        for step in &plan.steps {
            let reads = step.values.len() - step.written;
            for value in step.values[..reads].iter().map(|id| id.index()) {
                let (buffer, range) = range(value);
                let is_own = |owner: &Option<usize>| owner.is_some_and(|owner| is_of(owner, value));
                let is_unused = plan.values[value].name == "unused";
                let name = &plan.values[value].name;
                let strange = owners[buffer][range].iter().find(|owner| !is_own(owner));
                let label = &step.label;
                assert!(is_unused || strange.is_none(), "{architecture}: {label} finds {strange:?} for '{name}'");
            }
            for value in step.values[reads..].iter().map(|id| id.index()) {
                let (buffer, range) = range(value);
                owners[buffer][range].fill(Some(value));
            }
        }
    }
}

/// A host's frames go between dispatches, so that none may take long, of networks whose layers are large.
#[test]
fn steps_are_as_small_as_a_host_asks() {
    for (profile, limit, most) in [(Profile::SOFTWARE, 100_000_000, 500_000_000), (Profile::WEBGPU, 1 << 30, 1 << 31)] {
        let strategy = Strategy { max_step_flops: limit, ..profile.strategy };
        for architecture in [Architecture::Vgg19, Architecture::ResNet50] {
            let plan = plan_for(&profile.with_strategy(strategy), architecture, [224, 224], 1);
            let largest = plan.steps.iter().map(|step| step.flops).max().unwrap();
            assert!(largest <= most, "{architecture}: {largest}");
        }
    }
}

/// `W x` and `|W| |x|` share x: all convolutions but the first, and but those of EfficientNet whose x has no ReLU.
#[test]
fn products_of_one_source_run_as_one_where_loads_are_dear() {
    for (architecture, layers) in
        [(Architecture::Vgg19, 15), (Architecture::ResNet50, 52), (Architecture::EfficientNetLite0, 16)]
    {
        for slots in [1, 2] {
            let plan = plan_for(&software(), architecture, [64, 96], slots);
            let joint: Vec<_> =
                plan.steps.iter().filter(|step| step.kernel.shader == Shader::ConvolutionJoint).collect();
            assert_eq!(joint.len(), layers, "{architecture}");
            assert!(joint.iter().all(|step| step.written == 2 && step.label.ends_with(":Z")), "{architecture}");
            let counts = |plan: &Plan| plan.passes.iter().map(|layer| (layer.always, layer.gated)).collect::<Vec<_>>();
            let separate = plan_for(&Profile::WEBGPU, architecture, [64, 96], slots);
            assert_eq!(counts(&plan), counts(&separate), "{architecture}: passes over the weights");
            assert!(separate.steps.iter().all(|step| step.kernel.shader != Shader::ConvolutionJoint));
            let from = Strategy { joint_flops: Some(1_000_000_000), ..Strategy::SOFTWARE };
            let small = plan_for(&Profile::SOFTWARE.with_strategy(from), architecture, [64, 96], slots);
            assert!(small.steps.iter().all(|step| step.kernel.shader != Shader::ConvolutionJoint), "{architecture}");
        }
    }
}

/// `bwd(|W|, S_C)` and `bwd(|W|, S_A)` share |W|: one pass over twice as many samples for every full convolution, where
/// such values can be bound. Graphics cards also take `bwd(W, g)` and `bwd(|W|, S_C)` of flat convolutions together;
/// two of ResNet-50's have no gradient.
#[test]
fn transposes_over_the_same_weights_run_as_one() {
    for (architecture, full, flat) in
        [(Architecture::Vgg19, 15, 0), (Architecture::ResNet50, 16, 34), (Architecture::EfficientNetLite0, 16, 32)]
    {
        let profiles = [(Profile::WEBGPU, 1, flat), (Profile::WEBGPU, 3, flat), (software(), 1, 0)];
        for (profile, slots, flat) in profiles {
            let plan = plan_for(&profile, architecture, [64, 96], slots);
            let mut wholes = BTreeMap::new();
            for value in plan.values.iter().filter(|value| value.node.is_some()) {
                if let Some((whole, offset)) = value.within {
                    wholes.entry(whole).or_insert_with(Vec::new).push((offset, value.bytes));
                }
            }
            let count = 2 * (full + flat) * slots as usize;
            assert_eq!(wholes.len(), count, "{architecture}: sources and results");
            assert!(
                wholes.values().all(|parts| parts[..] == [(0, parts[0].1), (parts[0].1, parts[0].1)]),
                "{wholes:?}"
            );
            let joint = plan.dense.iter().filter(|pass| pass.shape.joint && pass.shape.transposed).count();
            assert_eq!(joint, flat * slots as usize, "{architecture}");
        }
    }
}

#[test]
fn transposes_whose_values_cannot_be_bound_together_are_two_passes() {
    let direct = Profile::WEBGPU.with_winograd(None);
    let one = plan_for(&direct, Architecture::Vgg19, [64, 96], 1);
    let largest = one.values.iter().map(|value| value.bytes).max().unwrap();
    let facts = Facts { max_binding_bytes: largest - 1, ..direct.facts };
    let two = plan_for(&direct.with_facts(facts), Architecture::Vgg19, [64, 96], 1);
    assert!(two.values.iter().all(|value| value.bytes < largest));
    assert!(two.steps.len() > one.steps.len());
    let counts = |plan: &Plan| plan.passes.iter().map(|layer| (layer.always, layer.gated)).collect::<Vec<_>>();
    assert_eq!(counts(&one), counts(&two), "passes over the weights");
}

/// 7x7 pixels fill a fifth of a tile of 256: there a lane owns one pixel instead of four.
#[test]
fn small_maps_take_tiles_that_fit() {
    let uniform = Strategy { dense: DenseKernels::Uniform, ..Strategy::GRAPHICS_CARD };
    let plan = plan_for(&Profile::WEBGPU.with_strategy(uniform), Architecture::ResNet50, [224, 224], 1);
    let is_small = |pass: &&DensePass| pass.shape.height == 7 && pass.shape.width == 7;
    assert!(plan.dense.iter().filter(is_small).count() > 20);
    for pass in &plan.dense {
        let step = if pass.shape.transposed { pass.shape.stride } else { 1 };
        let kernel = if pass.shape.height / step <= 8 { DenseKernel::UniformSmall } else { DenseKernel::Uniform };
        assert_eq!(pass.variant.kernel, kernel, "{}", pass.shape);
    }
    let step = |pass: &DensePass| plan.steps[pass.steps.start].workgroups[0];
    // Two transposes over the same weights have 98 pixels.
    assert!(plan.dense.iter().filter(is_small).all(|pass| (1..=2).contains(&step(pass))));
}

/// On a graphics card every convolution but the first goes by tiles, and those of small maps are split, each with a
/// step that adds the splits' sums.
#[test]
fn graphics_cards_multiply_by_tiles() {
    let plan = plan_for(&Profile::WEBGPU, Architecture::ResNet50, [224, 224], 1);
    let mut split = 0;
    let is_first = |pass: &DensePass| pass.shape.channels.min(pass.shape.source_channels) == 3;
    for pass in plan.dense.iter().filter(|pass| !is_first(pass)) {
        let DenseKernel::Tiled(tiling) = pass.variant.kernel else { panic!("{}: {}", pass.shape, pass.variant) };
        let sums = plan.steps[pass.steps.clone()].iter().filter(|step| step.kernel.shader == Shader::SplitSum).count();
        assert_eq!(sums > 0, tiling.splits > 1, "{}: {}", pass.shape, pass.variant);
        split += usize::from(sums > 0 && pass.shape.height == 7);
    }
    assert!(split > 20, "{split} passes of 7x7 pixels are split");
}

/// Sums of splits are kept for so many samples at a time that they fit a binding in any batch.
#[test]
fn sums_of_splits_take_little_memory() {
    let plan = plan_for(&Profile::WEBGPU, Architecture::ResNet50, [224, 224], 1);
    let largest = |plan: &Plan| plan.values.iter().filter(|value| value.name.contains("splits")).map(|v| v.bytes).max();
    assert!(largest(&plan).unwrap() <= 16 << 20);
    let network = Architecture::ResNet50.build(224, 224, 1000).unwrap();
    let explanation = explain(&network, 1, Ablations::default()).unwrap();
    let batch = Plan::new(&explanation.graph, &[explanation.logits], 32, &Profile::WEBGPU, Sharing::Shared).unwrap();
    assert!(largest(&batch).unwrap() <= 16 << 20);
}

/// Pixels go by a block of weights that stays in the cache.
#[test]
fn weights_beyond_the_cache_are_cut_into_blocks_of_rows() {
    let plan = plan_for(&software(), Architecture::Vgg19, [32, 32], 1);
    let blocks = |label: &str| {
        let step = plan.steps.iter().find(|step| step.label.starts_with(label)).unwrap();
        let fields = step.uniforms.fields().iter().find(|(name, _)| *name == "row_blocks").unwrap();
        (fields.1, step.workgroups)
    };
    // 128 -> 128 channels have 0.6 MB; 512 -> 512 channels 9.4 MB in 32 groups of rows, of which 3 have 0.9 MB.
    assert_eq!(blocks("features.7 "), (Scalar::Unsigned(1), [8, 8, 1]));
    assert_eq!(blocks("features.30 "), (Scalar::Unsigned(11), [3, 1, 11]));
}

/// VGG-19's linear layers have 123.6 million weights, its convolutions 20 million, which are packed twice and
/// transformed.
#[test]
fn f16_weights_take_half_the_bytes() {
    let of = |precision| plan_for(&Profile::WEBGPU.with_precision(precision), Architecture::Vgg19, [224, 224], 1);
    let (whole, half) = (of(Precision::F32), of(Precision::F16Weights));
    assert!(half.packings().iter().all(|packing| match packing {
        Packing::Linear { element, .. } | Packing::Dense { element, .. } => *element == Element::F16,
        _ => true,
    }));
    // What stays f32 is Winograd's transforms, which no part of the network but the gradient needs.
    let without = |precision| Profile::WEBGPU.with_precision(precision).with_winograd(None);
    let direct = |precision| plan_for(&without(precision), Architecture::Vgg19, [224, 224], 1).weight_bytes as f64;
    let ratio = direct(Precision::F16Weights) / direct(Precision::F32);
    assert!((0.5..0.51).contains(&ratio), "{ratio}");
    let ratio = half.weight_bytes as f64 / whole.weight_bytes as f64;
    assert!((0.5..0.7).contains(&ratio), "{ratio}");
    // The first linear layer has 411 MB in f32, a binding 134.
    let ranges = |plan: &Plan| {
        let is_first = |packing: &Packing| matches!(packing, Packing::Linear { rows: 1000.., .. });
        plan.packings().into_iter().filter(is_first).count()
    };
    assert!(ranges(&half) < ranges(&whole), "{} ranges of rows, {} in f32", ranges(&half), ranges(&whole));
    let largest = |plan: &Plan| plan.steps.iter().map(|step| step.bytes).max();
    assert!(largest(&half) <= largest(&whole));
}

#[test]
fn a_second_class_shares_the_forward_pass() {
    let is_pass = |step: &&Step, weight: &str| step.label.contains(weight) && step.kernel.shader != Shader::SplitSum;
    let passes = |plan: &Plan, weight: &str| plan.steps.iter().filter(|step| is_pass(step, weight)).count();
    let (one, two) = (plan(Architecture::TinyVgg, 1), plan(Architecture::TinyVgg, 2));
    assert_eq!(passes(&one, "features.3 +"), 1);
    assert_eq!(passes(&two, "features.3 +"), 1);
    assert_eq!(passes(&two, "features.3:Z"), 1, "the response to absolute values does not depend on the class");
    assert_eq!(passes(&one, "features.3:gradient"), 1);
    assert_eq!(passes(&two, "features.3:gradient"), 2);
}

#[test]
fn convolutions_go_through_their_weights_five_times_at_most() {
    let counts = |architecture: Architecture, slots: u32| {
        let plan = plan(architecture, slots);
        let of_role = |role: Role| {
            let of_role = plan.passes.iter().filter(|passes| passes.role == role);
            let mut counts: Vec<(u32, u32)> = of_role.map(|passes| (passes.always, passes.gated)).collect();
            counts.sort_unstable();
            counts.dedup();
            counts
        };
        [Role::First, Role::Full, Role::Flat].map(of_role)
    };
    // Forward, W x unless that is the forward pass, bwd(W+, S), bwd(W-, S) | forward, Z, gradient, bwd(|W|, S_C), A,
    // and the masked gradient | forward, Z, gradient, bwd(|W|, S_C).
    // Nothing needs the gradient at the first convolution's output: where a flat convolution reads it, it has one pass
    // less.
    assert_eq!(counts(Architecture::ResNet50, 1), [vec![(3, 0)], vec![(5, 1)], vec![(3, 0), (4, 0)]]);
    assert_eq!(counts(Architecture::EfficientNetLite0, 1), [vec![(3, 0)], vec![(5, 1)], vec![(4, 0)]]);
    assert_eq!(counts(Architecture::Vgg19, 1), [vec![(4, 0)], vec![(5, 1)], vec![]]);
    assert_eq!(counts(Architecture::Vgg19, 2), [vec![(6, 0)], vec![(8, 2)], vec![]]);
}

#[test]
fn places_of_values_alive_together_do_not_overlap() {
    let mut state = 1u64;
    let mut next = |range: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % range
    };
    let values: Vec<Lifetime> = (0..300)
        .map(|_| {
            let first = next(100) as usize;
            Lifetime { bytes: 1 + next(5000), first, last: first + next(20) as usize }
        })
        .collect();
    let (places, buffers) = place(&values, 40_000, 64);
    for (a, b) in (0..values.len()).flat_map(|a| (0..a).map(move |b| (a, b))) {
        let together = values[a].first <= values[b].last && values[b].first <= values[a].last;
        let end = |index: usize| places[index].offset + values[index].bytes + 64;
        let apart = places[a].buffer != places[b].buffer || end(a) <= places[b].offset || end(b) <= places[a].offset;
        assert!(!together || apart, "{:?} and {:?}", places[a], places[b]);
    }
    let fits = |(place, value): (&Place, &Lifetime)| {
        place.offset % 256 == 0
            && place.offset + value.bytes <= buffers[place.buffer]
            && buffers[place.buffer] <= 40_000
    };
    assert!(places.iter().zip(&values).all(fits));
    assert!(lower_bound(&values) <= buffers.iter().sum());
}
