//! What random numbers of tests begin with: the same on every run, unless `AGF_SEED` says otherwise. Units and test
//! programs share it.

use std::hash::{BuildHasher, RandomState};

/// The seed of a run without `AGF_SEED`.
const SEED: u64 = 1;

/// `AGF_SEED`, a number or `random`, or else a fixed seed. It is printed, so that a failure can be repeated.
pub fn seed() -> u64 {
    let given = std::env::var("AGF_SEED");
    let seed = match given.as_deref() {
        Ok("random") => RandomState::new().hash_one(0),
        Ok(number) => number.parse().expect("AGF_SEED is a number or 'random'"),
        Err(_) => SEED,
    };
    println!("AGF_SEED={seed}");
    seed
}
