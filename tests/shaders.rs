//! Shaders without a GPU: every variant is validated and translated to SPIR-V, MSL and HLSL; bindings, uniform layouts
//! and workgroup sizes are compared with the Rust side.

use agf::benchmark::PROBE_SOURCES;
use agf::evaluation::pixels::{blur_calls, copy_calls, rank_calls};
use agf::gpu::canary_call;
use agf::plan::kernel::{Access, Kernel, Shader};
use agf::plan::tiling::Tiling;
use agf::plan::uniforms::{Scalar, Uniforms};
use agf::plan::variant::WinogradTile;
use agf::plan::{DenseKernels, Plan, Profile, Strategy, codes};
use agf::{catalogue, display};
use naga::back::pipeline_constants::process_overrides;
use naga::valid::{Capabilities, ModuleInfo, ValidationFlags, Validator};
use naga::{AddressSpace, Expression, Literal, Module, ScalarKind, ShaderStage, TypeInner};
use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;

fn parse(shader: Shader) -> Module {
    let source = shader.source();
    naga::front::wgsl::parse_str(&source)
        .unwrap_or_else(|error| panic!("{}", error.emit_to_string_with_path(&source, shader.name())))
}

fn validate(module: &Module, name: &str) -> ModuleInfo {
    let capabilities = Capabilities::SUBGROUP | Capabilities::SHADER_INT64 | Capabilities::SHADER_FLOAT16_IN_FLOAT32;
    let mut validator = Validator::new(ValidationFlags::all(), capabilities);
    validator.validate(module).unwrap_or_else(|error| panic!("{name}: {error:?}"))
}

/// Values that each overridable constant takes.
fn choices(shader: Shader, name: &str) -> Vec<u32> {
    match (shader, name) {
        (_, "SOURCE_PART") => vec![codes::PART_FULL, codes::PART_ABSOLUTE, codes::PART_POSITIVE, codes::PART_NEGATIVE],
        (_, "ROW_TILES") => vec![1, 2],
        (_, "PIXELS") => vec![1, 4],
        (_, "ROWS") => vec![1, 2],
        (Shader::Mask | Shader::Reduce | Shader::Residual | Shader::ValueSums | Shader::ValueTotals, "LANES") => {
            vec![8, 64, 256]
        }
        (Shader::FactorBasis, "LANES") => vec![64, 256],
        (Shader::LinearTranspose, "LANES") => vec![8, 16, 64, 256],
        (_, "LANES") => vec![8, 16, 64],
        (_, "CHANNEL_LANES") => vec![1, 4, 16, 64],
        (_, "ROW_LANES") => vec![1, 8, 32],
        (Shader::FactorMaps, "RUN") => vec![1, 4, 16, 64],
        (_, "RUN") => vec![64, 1024],
        (
            _,
            "ABSOLUTE_WEIGHT" | "HALF_WEIGHTS" | "INDEX" | "TRANSPOSED" | "TWO_LEVELS" | "SCALED" | "CLAMPED"
            | "RELEVANCE" | "GRADIENT" | "MOVES_PIXELS" | "ONE",
        ) => vec![0, 1],
        (Shader::Binary, "OPERATION") => of_codes("BINARY_"),
        (Shader::Activate, "FUNCTION") => of_codes("FUNCTION_"),
        (Shader::Unary, "OPERATION") => of_codes("UNARY_"),
        (Shader::Clamp, "OPERATION") => of_codes("CLAMP_"),
        (Shader::Reduce, "OPERATION") => of_codes("REDUCE_"),
        _ => panic!("{}: no values are known for the constant {name}", shader.name()),
    }
}

/// All codes whose names begin so.
fn of_codes(prefix: &str) -> Vec<u32> {
    codes::ALL.iter().filter(|(name, _)| name.starts_with(prefix)).map(|&(_, value)| value).collect()
}

/// The parts of weight and source that rules ask of linear layers, of one product or of two over the same weights. A
/// forward product is never there twice; a transposed one may be, for two classes.
fn linear_parts(shader: Shader) -> Vec<Vec<(String, u32)>> {
    use codes::{PART_ABSOLUTE, PART_FULL, PART_NEGATIVE, PART_POSITIVE};
    let weights = [PART_FULL, PART_ABSOLUTE, PART_POSITIVE, PART_NEGATIVE];
    let source_of = |weight: u32| if weight == PART_ABSOLUTE { PART_ABSOLUTE } else { PART_FULL };
    let is_forward = match shader {
        Shader::Linear => true,
        Shader::LinearTranspose => false,
        _ => return vec![Vec::new()],
    };
    let of = |prefix: &str, weight: u32| {
        let weight_part = (format!("{prefix}WEIGHT_PART"), weight);
        let source_part = (format!("{prefix}SOURCE_PART"), source_of(weight));
        if is_forward { vec![weight_part, source_part] } else { vec![weight_part] }
    };
    let variant = |first: u32, second: u32, is_pair: u32| {
        [of("", first), of("SECOND_", second), vec![("IS_PAIR".to_string(), is_pair)]].concat()
    };
    let one = weights.iter().map(|&weight| variant(weight, PART_FULL, 0));
    let two = weights.iter().flat_map(|&first| weights.map(|second| (first, second)));
    let two = two.filter(|(first, second)| !is_forward || first != second);
    one.chain(two.map(|(first, second)| variant(first, second, 1))).collect()
}

/// Every variant of a shader: all combinations of its overridable constants, of linear layers' parts those that rules
/// make.
fn variants(shader: Shader) -> Vec<Vec<(String, u32)>> {
    if shader == Shader::ConvolutionTiled {
        return tilings();
    }
    let module = parse(shader);
    let mut variants = linear_parts(shader);
    for (_, constant) in module.overrides.iter() {
        let name = constant.name.clone().expect("constants have names");
        if variants[0].iter().any(|(known, _)| *known == name) {
            continue;
        }
        let extend = |variant: &Vec<(String, u32)>| {
            let with = |value: u32| [variant.clone(), vec![(name.clone(), value)]].concat();
            choices(shader, &name).into_iter().map(with).collect::<Vec<_>>()
        };
        variants = variants.iter().flat_map(extend).collect();
    }
    variants.retain(|variant| shares_its_lanes(variant));
    variants
}

/// Whether lanes that share a pixel, or rows, are of one workgroup.
fn shares_its_lanes(variant: &[(String, u32)]) -> bool {
    let of = |name: &str| variant.iter().find(|(known, _)| known == name).map(|&(_, value)| value);
    ["CHANNEL_LANES", "ROW_LANES"].into_iter().all(|sharing| of(sharing) <= of("LANES"))
}

/// Of tiles, those constants that fit each other.
fn tilings() -> Vec<Vec<(String, u32)>> {
    let kernels = Tiling::ALL.iter().flat_map(|tiling| [tiling.kernel(false), tiling.kernel(true)]);
    let of_halves = kernels.flat_map(|kernel| [0, 1].map(|half| kernel.clone().with("HALF_WEIGHTS", half)));
    of_halves.map(|kernel| kernel.constants.into_iter().map(|(name, value)| (name.into(), value)).collect()).collect()
}

#[test]
fn every_variant_translates_to_spirv_msl_and_hlsl() {
    for &shader in Shader::ALL {
        let module = parse(shader);
        let info = validate(&module, shader.name());
        for variant in variants(shader) {
            let name = format!("{} {variant:?}", shader.name());
            let constants = variant.iter().map(|(name, value)| (name.clone(), f64::from(*value))).collect();
            let entry = Some((ShaderStage::Compute, "main"));
            let (module, info) = process_overrides(&module, &info, entry, &constants).expect(&name);
            translate(&module, &info, &name);
        }
    }
}

/// A kernel's constants that name what it does are the planner's, and each of the planner's is some kernel's.
#[test]
fn codes_are_those_of_the_shaders() {
    let kinds: BTreeSet<&str> = codes::ALL.iter().map(|(name, _)| prefix(name)).collect();
    let mut found = BTreeSet::new();
    for &shader in Shader::ALL {
        let module = parse(shader);
        for (_, constant) in module.constants.iter() {
            let Some(name) = constant.name.as_deref().filter(|name| kinds.contains(prefix(name))) else { continue };
            let Expression::Literal(Literal::U32(value)) = module.global_expressions[constant.init] else {
                panic!("{}: {name} is no u32", shader.name());
            };
            let expected = codes::ALL.iter().find(|(code, _)| *code == name);
            let &(code, expected) = expected.unwrap_or_else(|| panic!("{}: {name} is unknown", shader.name()));
            assert_eq!(value, expected, "{}: {name}", shader.name());
            found.insert(code);
        }
    }
    let missing: Vec<_> = codes::ALL.iter().filter(|(name, _)| !found.contains(name)).collect();
    assert!(missing.is_empty(), "no shader has {missing:?}");
}

fn prefix(name: &str) -> &str {
    name.split('_').next().unwrap_or_default()
}

fn translate(module: &Module, info: &ModuleInfo, name: &str) {
    use naga::back::{hlsl, msl, spv};
    let stage = spv::PipelineOptions { shader_stage: ShaderStage::Compute, entry_point: "main".into() };
    let words = spv::write_vec(module, info, &spv::Options::default(), Some(&stage));
    assert!(words.unwrap_or_else(|error| panic!("{name}: {error}")).len() > 100);

    let options = msl::Options { lang_version: (2, 4), fake_missing_bindings: true, ..Default::default() };
    let (text, _) = msl::write_string(module, info, &options, &msl::PipelineOptions::default())
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    assert!(text.contains("kernel void"), "{name}: no kernel in the MSL text");

    let shader_model = hlsl::ShaderModel::V6_0;
    let options = hlsl::Options { shader_model, fake_missing_bindings: true, ..Default::default() };
    let mut text = String::new();
    let pipeline = hlsl::PipelineOptions::default();
    let mut writer = hlsl::Writer::new(&mut text, &options, &pipeline);
    writer.write(module, info, None).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert!(text.contains("numthreads"), "{name}: no entry point in the HLSL text");
}

#[test]
fn bindings_match_the_rust_side() {
    for &shader in Shader::ALL {
        let module = parse(shader);
        let mut found: Vec<(u32, Access)> = Vec::new();
        for (_, variable) in module.global_variables.iter() {
            let Some(binding) = variable.binding else { continue };
            assert_eq!(binding.group, 0, "{}", shader.name());
            let access = match variable.space {
                AddressSpace::Uniform => Access::Uniform,
                AddressSpace::Storage { access } if access.contains(naga::StorageAccess::STORE) => Access::Value,
                AddressSpace::Storage { .. } => Access::Weights,
                space => panic!("{}: unexpected address space {space:?}", shader.name()),
            };
            found.push((binding.binding, access));
        }
        found.sort_by_key(|(binding, _)| *binding);
        let expected: Vec<(u32, Access)> = (0..).zip(shader.bindings()).collect();
        assert_eq!(found, expected, "bindings of {}", shader.name());
        let storage = expected.iter().filter(|(_, access)| *access != Access::Uniform).count();
        assert!(storage <= 8, "{} binds {storage} storage buffers", shader.name());
    }
}

#[test]
fn workgroups_fit_webgpu_and_the_files_stay_short() {
    for &shader in Shader::ALL {
        let module = parse(shader);
        let info = validate(&module, shader.name());
        let (module, _) = process_overrides(&module, &info, None, &Default::default())
            .unwrap_or_else(|error| panic!("{}: {error}", shader.name()));
        let broadcast = [Shader::ConvolutionBroadcast, Shader::ConvolutionJoint, Shader::ProductBroadcast];
        let lanes = if broadcast.contains(&shader) { 8 } else { 64 };
        assert_eq!(module.entry_points.len(), 1, "{}", shader.name());
        assert_eq!(module.entry_points[0].name, "main", "{}", shader.name());
        assert_eq!(module.entry_points[0].workgroup_size, [lanes, 1, 1], "{}", shader.name());
    }
    let folders = ["/shaders", "/shaders/preludes"].map(|folder| format!("{}{folder}", env!("CARGO_MANIFEST_DIR")));
    let entries = folders.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap());
    let mut preludes: BTreeSet<PathBuf> =
        std::fs::read_dir(&folders[1]).unwrap().map(|file| file.unwrap().path()).collect();
    for file in entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file()) {
        let text = std::fs::read_to_string(&file).unwrap();
        let lines = text.lines().count();
        assert!(lines <= 150, "{} has {lines} lines", file.display());
        let longest = text.lines().map(str::len).max().unwrap();
        assert!(longest <= 120, "{} has a line of {longest} characters", file.display());
        if Shader::ALL.iter().any(|shader| shader.preludes().contains(&text)) {
            preludes.remove(&file);
        }
    }
    assert!(preludes.is_empty(), "no kernel has the preludes {preludes:?}");
}

/// Plans of every architecture for GPUs and for software drivers.
fn plans() -> Vec<(String, Plan)> {
    let strategy = Strategy { joint_flops: Some(0), max_step_flops: 100_000_000, ..Strategy::SOFTWARE };
    let software = Profile::SOFTWARE.with_strategy(strategy);
    let of = |profile: Profile| catalogue::plans(&profile, 64, 96).expect("all networks can be planned");
    let large_tiles = |profile: Profile| profile.with_winograd(Some(WinogradTile::Four));
    let uniform = Strategy { dense: DenseKernels::Uniform, ..Strategy::GRAPHICS_CARD };
    let uniform = Profile::WEBGPU.with_strategy(uniform);
    let wide = Profile::SOFTWARE.with_strategy(Strategy::WIDE_SOFTWARE);
    let profiles =
        [Profile::WEBGPU, uniform, software.clone(), wide, large_tiles(Profile::WEBGPU), large_tiles(software)];
    let plans = profiles.into_iter().flat_map(of);
    plans.map(|(name, plan)| (name.to_string(), plan)).collect()
}

#[test]
fn the_catalogue_has_every_kernel_for_graphics_cards() {
    let kernels = catalogue::kernels(&[Profile::WEBGPU]).expect("all networks can be planned");
    for (name, plan) in catalogue::plans(&Profile::WEBGPU, 96, 64).expect("all networks can be planned") {
        for kernel in plan.kernels() {
            assert!(kernels.contains(kernel), "{name}: '{kernel}' is missing");
        }
    }
    let is_there = |shader: &&Shader| kernels.iter().any(|kernel| kernel.shader == **shader);
    let missing: Vec<&str> = Shader::ALL.iter().filter(|shader| !is_there(shader)).map(|s| s.name()).collect();
    let software = [
        "convolution_broadcast",
        "convolution_depthwise_broadcast",
        "convolution_depthwise_u64",
        "convolution_grouped_broadcast",
        "convolution_grouped_u64",
        "convolution_joint",
        "product_broadcast",
    ];
    let transforms = ["winograd_input_2x2_u64", "winograd_input_4x4", "winograd_input_4x4_u64"];
    let back = ["winograd_output_2x2_u64", "winograd_output_4x4", "winograd_output_4x4_u64"];
    let pixels =
        ["blur", "canary", "masked_copies", "rank_count", "rank_keys", "rank_places", "rank_scan", "rank_scatter"];
    let mut others = [&software[..], &transforms, &back, &pixels].concat();
    others.sort_unstable();
    assert_eq!(missing.into_iter().collect::<BTreeSet<_>>(), others.into_iter().collect());
}

#[test]
fn what_stands_outside_of_plans_translates() {
    for (name, source) in PROBE_SOURCES.into_iter().chain(display::SOURCES) {
        let module =
            naga::front::wgsl::parse_str(source).unwrap_or_else(|error| panic!("{}", error.emit_to_string(source)));
        translate(&module, &validate(&module, name), name);
    }
}

#[test]
fn uniforms_and_constants_of_plans_match_the_shaders() {
    let modules: HashMap<Shader, Module> = Shader::ALL.iter().map(|&shader| (shader, parse(shader))).collect();
    let variants: HashMap<Shader, Vec<Vec<(String, u32)>>> =
        Shader::ALL.iter().map(|&shader| (shader, variants(shader))).collect();
    let mut used = BTreeSet::new();
    for (name, plan) in plans() {
        for step in &plan.steps {
            let shader = step.kernel.shader;
            assert_eq!(
                fields(&step.uniforms),
                uniform_fields(&modules[&shader]),
                "{name}: uniforms of {}",
                shader.name()
            );
            let bindings = 1 + step.weights.len() + step.values.len();
            assert_eq!(bindings, shader.bindings().len(), "{name}: bindings of {}", step.label);
            assert!(step.workgroups.iter().all(|&groups| (1..=65_535).contains(&groups)), "{name}: {}", step.label);
            assert!(is_variant(&step.kernel, &variants[&shader]), "{name}: '{}' is not a tested variant", step.kernel);
            used.insert(shader);
        }
    }
    let calls =
        [rank_calls(5000, 3), copy_calls(5000, 9), blur_calls(50, 100, 3, 5, 5.0), vec![canary_call()]].concat();
    for call in calls {
        let shader = call.kernel.shader;
        assert_eq!(fields(&call.uniforms), uniform_fields(&modules[&shader]), "uniforms of {}", shader.name());
        assert_eq!(1 + call.buffers.len(), shader.bindings().len(), "bindings of {}", shader.name());
        assert!(call.workgroups.iter().all(|&groups| (1..=65_535).contains(&groups)), "{}", shader.name());
        used.insert(shader);
    }
    let unused: Vec<&str> = Shader::ALL.iter().filter(|shader| !used.contains(shader)).map(|s| s.name()).collect();
    assert!(unused.is_empty(), "nothing uses {unused:?}");
}

/// Names and types of uniforms, in order.
fn fields(uniforms: &Uniforms) -> Vec<(&str, ScalarKind)> {
    let kind = |value: &Scalar| match value {
        Scalar::Unsigned(_) => ScalarKind::Uint,
        Scalar::Float(_) => ScalarKind::Float,
    };
    uniforms.fields().iter().map(|(field, value)| (*field, kind(value))).collect()
}

fn is_variant(kernel: &Kernel, variants: &[Vec<(String, u32)>]) -> bool {
    variants.iter().any(|variant| {
        kernel.constants.iter().all(|(name, value)| variant.iter().any(|(other, v)| other == name && v == value))
    })
}

/// Fields of the uniform struct, which are four bytes each without gaps.
fn uniform_fields(module: &Module) -> Vec<(&str, ScalarKind)> {
    let uniform = module.global_variables.iter().find(|(_, variable)| variable.space == AddressSpace::Uniform);
    let (_, variable) = uniform.expect("every shader has uniforms");
    let TypeInner::Struct { members, .. } = &module.types[variable.ty].inner else { panic!("uniforms are a struct") };
    let mut fields = Vec::new();
    for (index, member) in members.iter().enumerate() {
        assert_eq!(member.offset as usize, 4 * index);
        let TypeInner::Scalar(scalar) = module.types[member.ty].inner else { panic!("uniforms are scalars") };
        fields.push((member.name.as_deref().expect("fields have names"), scalar.kind));
    }
    fields
}
