//! More samples than fit at a time: cut into batches, and into smaller ones where memory runs out.

use crate::error::Error;
use crate::gpu::GpuError;
use std::ops::Range;

/// Runs samples 0 to `total`, at most `largest` at a time and in batches of about equal size, since every size needs a
/// session. Where memory runs out, half as many are tried. Returns the answers to all, in order.
pub(super) async fn in_batches<T>(
    total: usize,
    largest: u32,
    mut run: impl AsyncFnMut(Range<usize>) -> Result<Vec<T>, Error>,
) -> Result<Vec<T>, Error> {
    let mut largest = (largest as usize).max(1);
    let mut answers = Vec::new();
    let mut done = 0;
    while done < total {
        let left = total - done;
        let count = left.div_ceil(left.div_ceil(largest));
        match run(done..done + count).await {
            Err(Error::Gpu(GpuError::OutOfMemory { .. })) if count > 1 => largest = count / 2,
            batch => {
                answers.extend(batch?);
                done += count;
            }
        }
    }
    Ok(answers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pollster::block_on;

    /// The batches that are run where more than `fit` samples are out of memory, and how it ends.
    fn batches(total: usize, largest: u32, fit: usize) -> (Vec<usize>, Result<Vec<usize>, Error>) {
        let mut tried = Vec::new();
        let run = async |samples: Range<usize>| {
            tried.push(samples.len());
            let error = GpuError::OutOfMemory { during: "a test".into(), bytes: 1 };
            if samples.len() > fit { Err(error.into()) } else { Ok(samples.collect()) }
        };
        let end = block_on(in_batches(total, largest, run));
        (tried, end)
    }

    #[test]
    fn batches_are_about_equal() {
        for (total, largest, expected) in
            [(10, 4, vec![4, 3, 3]), (3, 8, vec![3]), (0, 8, vec![]), (5, 2, vec![2, 2, 1])]
        {
            let (tried, end) = batches(total, largest, usize::MAX);
            assert_eq!((tried, end.unwrap()), (expected, (0..total).collect()));
        }
    }

    #[test]
    fn half_as_many_are_tried_where_memory_runs_out() {
        let (tried, end) = batches(20, 16, 3);
        assert_eq!(tried, [10, 5, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2]);
        assert_eq!(end.unwrap(), (0..20).collect::<Vec<_>>(), "every sample once, in order");
    }

    #[test]
    fn a_single_sample_that_does_not_fit_is_an_error() {
        let (tried, end) = batches(4, 4, 0);
        assert_eq!(tried, [4, 2, 1]);
        assert!(matches!(end, Err(Error::Gpu(GpuError::OutOfMemory { .. }))));
    }

    #[test]
    fn other_errors_end_it() {
        let mut runs = 0;
        let run = async |_: Range<usize>| {
            runs += 1;
            Err::<Vec<()>, _>(Error::Slot { slot: 1, slots: 1 })
        };
        let end = block_on(in_batches(4, 2, run));
        assert!(matches!(end, Err(Error::Slot { .. })) && runs == 1);
    }
}
