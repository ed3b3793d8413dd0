//! Sessions as hosts use them: recorded at once and in parts, several at a time, from several threads; and what is
//! refused.

use crate::common::read_back;
use crate::{gpu, random_batch};
use agf::gpu::{Gpu, GpuError, Layout, Program, Stored, WeightStore};
use agf::graph::{Forward, Op, Shape};
use agf::methods::Method;
use agf::models::{Architecture, Model};
use agf::plan::{Plan, Sharing, Strategy};
use agf::verify::verify;
use agf::{Batch, Error, Explained, Explainer, Session, SessionShape, Target};
use pollster::block_on;

const SHAPE: SessionShape = SessionShape { count: 2, height: 40, width: 36, slots: 2 };
const TARGETS: [[Target; 2]; 2] = [[Target::Class(3), Target::Rank(1)], [Target::Rank(0), Target::Class(7)]];

fn model() -> Model {
    Model::synthetic(Architecture::TinyResNet).unwrap()
}

fn session(explainer: &mut Explainer, shape: SessionShape) -> Session {
    block_on(explainer.session(shape)).unwrap()
}

/// Writes pictures and, slot by slot, what to explain of each.
fn write(session: &Session, batch: &Batch) {
    session.write_pictures(batch).unwrap();
    for (slot, targets) in (0..).zip(TARGETS) {
        session.write_targets(slot, &targets).unwrap();
    }
}

fn explained_alone(batch: &Batch) -> Vec<Explained> {
    let targets: Vec<Vec<Target>> = (0..2).map(|picture| TARGETS.map(|slot| slot[picture]).to_vec()).collect();
    block_on(Explainer::new(gpu(), &model(), Method::default()).explain(batch, &targets)).unwrap().0
}

/// A value as a host copies it from GPU memory.
fn copied(stored: Stored<'_>) -> Vec<f32> {
    read_back(gpu(), stored.buffer, stored.offset, stored.bytes)
}

fn check_buffers(session: &Session, expected: &[Explained]) {
    for slot in 0..2 {
        let map = session.map(slot).unwrap();
        assert_eq!((map.layout, map.samples, map.shape), (Layout::Map, 2, Shape::new(1, 40, 36)));
        let maps: Vec<f32> = expected.iter().flat_map(|picture| picture.maps[slot as usize].values.clone()).collect();
        assert!(copied(map) == maps, "slot {slot}");
        let class = session.class(slot).unwrap();
        assert_eq!((class.layout, class.shape), (Layout::Quads, Shape::SCALAR));
        let classes: Vec<f32> = copied(class).into_iter().step_by(4).collect();
        assert_eq!(
            classes,
            expected.iter().map(|picture| picture.maps[slot as usize].class as f32).collect::<Vec<_>>()
        );
    }
    let logits = session.logits().unwrap();
    let quads = logits.shape.channels.next_multiple_of(4) as usize;
    for (row, picture) in copied(logits).chunks(quads).zip(expected) {
        assert!(row[..picture.logits.len()] == picture.logits);
    }
}

#[test]
fn a_recorded_session_gives_the_bits_of_the_explainer() {
    let batch = random_batch(2, 40, 36);
    let expected = explained_alone(&batch);
    let session = session(&mut Explainer::new(gpu(), &model(), Method::default()), SHAPE);
    write(&session, &batch);
    let mut encoder = gpu().device().create_command_encoder(&Default::default());
    session.record(&mut encoder);
    gpu().queue().submit([encoder.finish()]);
    check_buffers(&session, &expected);
    assert!(block_on(session.read()).unwrap() == expected);
}

/// One encoder for two parts, one submission for each encoder, and other work between.
#[test]
fn parts_give_the_bits_of_one_record() {
    let batch = random_batch(2, 40, 36);
    let expected = explained_alone(&batch);
    let mut explainer = Explainer::new(gpu(), &model(), Method::default());
    let session = session(&mut explainer, SHAPE);
    let whole: u64 = session.parts(u64::MAX).iter().map(|part| part.work).sum();
    for share in [3, 40, u64::MAX] {
        let parts = session.parts(whole / share);
        assert!(parts.len() as u64 >= share.min(session.plan().steps.len() as u64), "{} parts", parts.len());
        assert_eq!(parts.iter().map(|part| part.work).sum::<u64>(), whole);
        write(&session, &batch);
        for pair in parts.chunks(2) {
            let mut encoder = gpu().device().create_command_encoder(&Default::default());
            pair.iter().for_each(|part| session.record_part(part, &mut encoder));
            gpu().queue().submit([encoder.finish()]);
            block_on(explainer.predict(&random_batch(1, 32, 32))).unwrap();
        }
        check_buffers(&session, &expected);
    }
}

/// A host that draws frames between dispatches wants small ones.
#[test]
fn small_steps_give_the_same_bits() {
    let batch = random_batch(2, 40, 36);
    let steps = |gpu: &Gpu| {
        let session = session(&mut Explainer::new(gpu, &model(), Method::default()), SHAPE);
        write(&session, &batch);
        block_on(session.run()).unwrap();
        assert!(block_on(session.read()).unwrap() == explained_alone(&batch));
        session.plan().steps.len()
    };
    let (usual, small) = (steps(gpu()), steps(&gpu().with_step_limit(200_000)));
    assert!(small > usual + 10, "{small} steps instead of {usual}");
}

#[test]
fn sessions_are_shared_and_outlive_their_explainer() {
    fn is_shared<T: Send + Sync + Clone + 'static>(_: &T) {}
    let batches = [random_batch(2, 40, 36), random_batch(2, 40, 36)];
    let sessions: Vec<Session> = {
        let mut explainers = [0, 1].map(|_| Explainer::new(gpu(), &model(), Method::default()));
        explainers.iter_mut().map(|explainer| session(explainer, SHAPE)).collect()
    };
    sessions.iter().for_each(is_shared);
    let runs = sessions.iter().zip(&batches).map(|(session, batch)| {
        let (session, batch) = (session.clone(), batch.clone());
        std::thread::spawn(move || {
            write(&session, &batch);
            block_on(session.run()).unwrap();
            block_on(session.read()).unwrap()
        })
    });
    let runs: Vec<_> = runs.collect();
    for (run, batch) in runs.into_iter().zip(&batches) {
        assert!(run.join().unwrap() == explained_alone(batch));
    }
}

/// Sessions of several sizes stay usable while the explainer makes others and forgets them.
#[test]
fn what_the_explainer_forgets_still_runs() {
    let batch = random_batch(2, 40, 36);
    let mut explainer = Explainer::new(gpu(), &model(), Method::default());
    let first = session(&mut explainer, SHAPE);
    for width in [37, 38, 39] {
        session(&mut explainer, SessionShape { width, ..SHAPE });
    }
    write(&first, &batch);
    block_on(first.run()).unwrap();
    assert!(block_on(first.read()).unwrap() == explained_alone(&batch));
}

#[test]
fn what_does_not_fit_is_refused_by_name() {
    let session = session(&mut Explainer::new(gpu(), &model(), Method::default()), SHAPE);
    let of = |targets: &[Target]| session.write_targets(0, targets).unwrap_err();
    assert!(matches!(of(&[Target::Rank(0)]), Error::Gpu(GpuError::Length { found: 1, wanted: 2, .. })));
    assert!(matches!(of(&[Target::Rank(0); 3]), Error::Gpu(GpuError::Length { found: 3, wanted: 2, .. })));
    assert!(matches!(of(&[Target::Rank(0), Target::Class(10)]), Error::Class { class: 10, classes: 10 }));
    for error in
        [session.write_targets(2, &TARGETS[0]).unwrap_err(), session.map(2).unwrap_err(), session.class(2).unwrap_err()]
    {
        assert!(matches!(error, Error::Slot { slot: 2, slots: 2 }), "{error}");
        assert_eq!(
            error.to_string(),
            "there is no slot 2: the session was made for 2 classes per picture, slots begin at 0"
        );
    }
    for batch in [random_batch(1, 40, 36), random_batch(2, 36, 40)] {
        assert!(matches!(session.write_pictures(&batch), Err(Error::Batch { .. })));
    }
    let short = Batch { data: vec![0.0; 7], ..random_batch(2, 40, 36) };
    assert!(matches!(session.write_pictures(&short), Err(Error::Batch { .. })));

    let smooth = Method::ALL.iter().find(|method| method.schedule().is_some()).unwrap();
    let session = self::session(&mut Explainer::new(gpu(), &model(), smooth.clone()), SHAPE);
    let variation = smooth.schedule().unwrap().variation(0, &[0.0, 1.0]);
    assert!(matches!(
        session.write_variations(&[variation]),
        Err(Error::Gpu(GpuError::Length { found: 1, wanted: 2, .. }))
    ));
    session.write_variations(&[variation; 2]).unwrap();
}

/// A node that the plan does not keep is an error, and does not shift the values of those that follow it.
#[test]
fn values_that_are_not_kept_are_refused() {
    let network = Architecture::TinyVgg.build(32, 32, 10).unwrap();
    let graph = &network.graph;
    let plan = Plan::new(graph, &[network.logits], 1, gpu().profile(), Sharing::Shared).unwrap();
    let mut store = WeightStore::default();
    let weights = Model::synthetic(Architecture::TinyVgg).unwrap().weights;
    block_on(store.upload(gpu(), graph, &weights, &plan.packings())).unwrap();
    let program = block_on(Program::new(gpu(), plan, &store)).unwrap();
    let fused = graph.ids().find(|&id| matches!(graph.node(id).op, Op::Forward(Forward::Convolve { .. }))).unwrap();
    let name = graph.node(fused).name.clone();
    let missing = |error: GpuError| assert_eq!(error, GpuError::NotStored { value: name.clone() });
    missing(program.write(graph, fused, &[0.0]).unwrap_err());
    missing(block_on(program.read(graph, &[fused, network.logits])).unwrap_err());
    assert_eq!(block_on(program.read(graph, &[network.logits])).unwrap()[0].len(), 10);
}

/// Sums of an audit change neither maps nor logits, and are only there where they are asked for. Without them more
/// steps share a dispatch.
#[test]
fn an_audit_changes_no_map() {
    for architecture in [Architecture::TinyVgg, Architecture::TinyResNet] {
        Method::ALL.iter().for_each(|method| compare_with_audit(gpu(), architecture, method));
    }
    let card = gpu().with_strategy(Strategy::GRAPHICS_CARD);
    for (gpu, architecture) in [
        (gpu(), Architecture::EfficientNetLite0),
        (&card, Architecture::EfficientNetLite0),
        (&card, Architecture::TinyResNet),
    ] {
        compare_with_audit(gpu, architecture, &Method::default());
    }
}

fn compare_with_audit(gpu: &Gpu, architecture: Architecture, method: &Method) {
    let batch = random_batch(2, 40, 36);
    let targets = vec![vec![Target::Rank(0), Target::Class(4)]; 2];
    let mut explainer = Explainer::new(gpu, &Model::synthetic(architecture).unwrap(), method.clone());
    let mut run = |audit| {
        explainer.set_audit(audit);
        block_on(explainer.explain(&batch, &targets)).unwrap().0
    };
    let (plain, audited) = (run(false), run(true));
    for (plain, audited) in plain.iter().zip(&audited) {
        assert!(plain.logits == audited.logits, "{architecture} {method}: logits");
        for (plain, audited) in plain.maps.iter().zip(&audited.maps) {
            assert!(plain.values == audited.values && plain.peak == audited.peak, "{architecture} {method}");
            assert!(plain.completeness_gap.is_none() && plain.mask_loss.is_none());
            assert!(plain.conservation.is_empty());
        }
    }
    let is_relevance = matches!(method, Method::Agf(_) | Method::Relevance(_));
    let has_totals = audited.iter().any(|picture| !picture.maps[0].conservation.is_empty());
    assert_eq!(has_totals, is_relevance, "{method}");
}

/// A device whose buffers are too small for everything at once: values lie in several, and are read back in turn.
#[test]
fn results_larger_than_a_buffer_are_read_in_turn() {
    let limit = 4 << 20;
    let adapter = block_on(wgpu::Instance::default().request_adapter(&Default::default())).unwrap();
    let required_limits = wgpu::Limits {
        max_buffer_size: limit,
        max_storage_buffer_binding_size: limit,
        ..wgpu::Limits::default().using_alignment(adapter.limits())
    };
    let descriptor = wgpu::DeviceDescriptor { required_limits, ..Default::default() };
    let (device, queue) = block_on(adapter.request_device(&descriptor)).unwrap();
    let small = Gpu::adopt(device, queue).unwrap();
    let model = Model::synthetic(Architecture::TinyVgg).unwrap();
    let batch = random_batch(1, 96, 96);
    let verification = block_on(verify(&small, &model, &Method::default(), &batch)).unwrap();
    assert!(verification.passed(), "{:?}", verification.first_failure.map(|index| &verification.checked[index]));
    let kept: u64 = verification.checked.iter().map(|check| check.shape.bytes()).sum();
    assert!(kept > limit, "{kept} bytes fit one buffer");
}
