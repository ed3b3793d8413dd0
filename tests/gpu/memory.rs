//! Batches cut to a limit of memory: the same bits, within the limit, and an error that says what is needed.

use crate::{gpu, random_batch};
use agf::methods::{IntegratedGradients, Method, SmoothGrad};
use agf::models::{Architecture, Model};
use agf::{Error, Explained, Explainer, SessionShape, Target};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};

fn smooth(seed: u64) -> Method {
    Method::SmoothGrad(SmoothGrad { samples: 7, noise: 0.2, seed })
}

/// Bytes of values and weights that one picture needs.
fn bytes_for(method: &Method, count: u32) -> u64 {
    let model = Model::synthetic(Architecture::TinyResNet).unwrap();
    let mut explainer = Explainer::new(gpu(), &model, method.clone());
    let shape = SessionShape { count, height: 40, width: 36, slots: 1 };
    let session = pollster::block_on(explainer.session(shape)).unwrap();
    session.plan().value_bytes() + session.plan().weight_bytes
}

fn explain(method: &Method, batch: &agf::Batch, limit: Option<u64>) -> (Vec<Explained>, u64) {
    let model = Model::synthetic(Architecture::TinyResNet).unwrap();
    let mut explainer = Explainer::new(gpu(), &model, method.clone());
    explainer.limit_memory(limit);
    let targets = vec![vec![Target::Rank(0)]; batch.count as usize];
    let (explained, cost) = pollster::block_on(explainer.explain(batch, &targets)).unwrap();
    (explained, cost.gpu_bytes)
}

#[test]
fn maps_do_not_depend_on_how_batches_are_cut() {
    let batch = random_batch(3, 40, 36);
    let path = Method::IntegratedGradients(IntegratedGradients { steps: 5, baseline: 0.0 });
    for method in [smooth(3), path, Method::default()] {
        let (free, free_bytes) = explain(&method, &batch, None);
        for count in [1, 2] {
            let limit = bytes_for(&method, count) + 1000;
            let (cut, bytes) = explain(&method, &batch, Some(limit));
            assert!(cut == free, "{method}: other bits in batches of {count}");
            assert!(
                bytes <= limit && bytes < free_bytes,
                "{method}: {bytes} bytes, allowed {limit}, free {free_bytes}"
            );
        }
    }
}

#[test]
fn a_seed_repeats_and_another_seed_differs() {
    let batch = random_batch(1, 40, 36);
    let (first, _) = explain(&smooth(1), &batch, None);
    assert!(first == explain(&smooth(1), &batch, None).0);
    assert!(first[0].maps[0].values != explain(&smooth(2), &batch, None).0[0].maps[0].values);
    assert!(first[0].maps[0].values != explain(&smooth(1 | 1 << 40), &batch, None).0[0].maps[0].values);
}

#[test]
fn too_little_memory_is_an_error_with_the_smallest_possible() {
    let model = Model::synthetic(Architecture::TinyResNet).unwrap();
    let needed = bytes_for(&Method::default(), 1);
    let mut explainer = Explainer::new(gpu(), &model, Method::default());
    explainer.limit_memory(Some(needed - 1));
    let targets = [vec![Target::Rank(0)]];
    let error = pollster::block_on(explainer.explain(&random_batch(1, 40, 36), &targets)).unwrap_err();
    assert!(matches!(error, Error::Memory { limit, .. } if limit == needed - 1), "{error}");
    assert!(error.to_string().contains(&needed.to_string()), "{error}");
    explainer.limit_memory(Some(needed));
    assert!(pollster::block_on(explainer.explain(&random_batch(1, 40, 36), &targets)).is_ok());
}

#[test]
fn progress_counts_every_pass_once() {
    let model = Model::synthetic(Architecture::TinyResNet).unwrap();
    let mut explainer = Explainer::new(gpu(), &model, smooth(1));
    explainer.limit_memory(Some(bytes_for(&smooth(1), 4)));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = seen.clone();
    explainer.on_progress(move |progress| {
        sink.lock().unwrap().push((progress.done, progress.total));
        ControlFlow::Continue(())
    });
    let targets = vec![vec![Target::Rank(0)]; 2];
    pollster::block_on(explainer.explain(&random_batch(2, 40, 36), &targets)).unwrap();
    let seen = seen.lock().unwrap();
    assert!(seen.len() > 1 && seen.windows(2).all(|pair| pair[0].0 < pair[1].0), "{seen:?}");
    assert!(seen.iter().all(|(_, total)| *total == 14) && seen.last() == Some(&(14, 14)), "{seen:?}");
}

/// A host that has had enough does not wait for the other passes; after the last one the result is there anyhow.
#[test]
fn a_host_stops_an_explanation_between_runs() {
    let model = Model::synthetic(Architecture::TinyResNet).unwrap();
    let mut explainer = Explainer::new(gpu(), &model, smooth(1));
    explainer.limit_memory(Some(bytes_for(&smooth(1), 4)));
    let runs = Arc::new(Mutex::new(0));
    let count = runs.clone();
    explainer.on_progress(move |_| {
        *count.lock().unwrap() += 1;
        ControlFlow::Break(())
    });
    let targets = vec![vec![Target::Rank(0)]; 2];
    let stopped = pollster::block_on(explainer.explain(&random_batch(2, 40, 36), &targets));
    assert!(matches!(stopped, Err(Error::Stopped)), "{stopped:?}");
    assert_eq!(*runs.lock().unwrap(), 1);
    explainer.limit_memory(None);
    assert!(pollster::block_on(explainer.explain(&random_batch(2, 40, 36), &targets)).is_ok());
}
