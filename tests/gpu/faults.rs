//! What happens to a device: it is lost, shared by threads, and asked for one size after the other.

use crate::{gpu, own_gpu, random_batch};
use agf::gpu::{Gpu, GpuError};
use agf::methods::Method;
use agf::models::{Architecture, Model};
use agf::{Batch, Error, Explained, Explainer, Target};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// Longer than any of these runs takes; what takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// A device that no other test uses.
fn explainer(gpu: &Gpu) -> Explainer {
    Explainer::new(gpu, &Model::synthetic(Architecture::TinyVgg).unwrap(), Method::default())
}

fn explain(explainer: &mut Explainer, batch: &Batch) -> Result<Vec<Explained>, Error> {
    let targets = vec![vec![Target::Rank(0)]; batch.count as usize];
    Ok(pollster::block_on(explainer.explain(batch, &targets))?.0)
}

/// The bits of the first map, and of all logits.
fn bits(explained: &[Explained]) -> Vec<u32> {
    let values = explained.iter().flat_map(|picture| picture.logits.iter().chain(&picture.maps[0].values));
    values.map(|value| value.to_bits()).collect()
}

fn assert_lost(result: &Result<Vec<Explained>, Error>) {
    assert!(matches!(result, Err(Error::Gpu(GpuError::Lost { .. }))), "{result:?}");
}

/// What `work` gives, in a thread of its own; it must not wait for ever.
fn in_time<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || sender.send(work()));
    receiver.recv_timeout(PATIENCE).expect("an answer, and in time")
}

#[test]
fn a_lost_device_is_named_and_the_next_one_works() {
    for runs_before in [0, 1] {
        in_time(move || {
            let (lost, batch) = (own_gpu(), random_batch(1, 32, 32));
            let mut first = explainer(&lost);
            for _ in 0..runs_before {
                explain(&mut first, &batch).unwrap();
            }
            lost.device().destroy();
            // A second try is answered, too.
            for _ in 0..2 {
                assert_lost(&explain(&mut first, &batch));
            }
            let next = explain(&mut explainer(&own_gpu()), &batch).unwrap();
            assert_eq!(bits(&next), bits(&explain(&mut explainer(gpu()), &batch).unwrap()));
        });
    }
}

/// The device goes while runs are on their way.
#[test]
fn a_device_lost_in_the_middle_ends_the_run() {
    for milliseconds in [1, 20, 90] {
        let lost = own_gpu();
        let device = lost.device().clone();
        let (started, is_started) = mpsc::channel();
        let destroyer = thread::spawn(move || {
            is_started.recv().unwrap();
            thread::sleep(Duration::from_millis(milliseconds));
            device.destroy();
        });
        let failed = in_time(move || {
            let (mut explainer, batch) = (explainer(&lost), random_batch(4, 64, 64));
            started.send(()).unwrap();
            loop {
                match explain(&mut explainer, &batch) {
                    Ok(_) => {}
                    failed => return failed,
                }
            }
        });
        assert_lost(&failed);
        destroyer.join().unwrap();
    }
}

#[test]
fn threads_share_a_device() {
    let batches: Vec<Batch> = (0..8).map(|index| random_batch(1 + index % 2, 32 + 4 * (index % 3), 32)).collect();
    let alone: Vec<Vec<u32>> =
        batches.iter().map(|batch| bits(&explain(&mut explainer(gpu()), batch).unwrap())).collect();
    thread::scope(|scope| {
        for (batch, expected) in batches.iter().zip(&alone) {
            scope.spawn(move || {
                let mut explainer = explainer(gpu());
                for _ in 0..3 {
                    assert_eq!(&bits(&explain(&mut explainer, batch).unwrap()), expected);
                }
            });
        }
    });
}

/// Sessions, graphs and plans of sizes that were seen are given up again. `AGF_ALL=1` asks for 500 sizes.
#[test]
fn many_sizes_take_the_memory_of_two() {
    let sizes = if std::env::var_os("AGF_ALL").is_some() { 500 } else { 40 };
    let mut explainer = explainer(gpu());
    let mut cost_of = |height: u32, width: u32| {
        let batch = random_batch(1, height, width);
        pollster::block_on(explainer.explain(&batch, &[vec![Target::Rank(0)]])).unwrap().1.gpu_bytes
    };
    let largest = cost_of(16 + 24, 16 + 24);
    for index in 0..sizes {
        let bytes = cost_of(16 + index % 25, 16 + index / 25);
        assert!(bytes <= 2 * largest, "{bytes} bytes after {index} sizes, {largest} for the largest");
    }
}
