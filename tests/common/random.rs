//! Random numbers: the same on every run, unless `AGF_SEED` says otherwise.

use super::seed::seed;
use agf::graph::Graph;
use agf::graph::parameter::ParameterKind;
use agf::reference::Parameters;
use std::cell::Cell;
use std::collections::HashMap;

/// splitmix64.
pub struct Random(u64);

thread_local! {
    /// Generators that this test has made so far; each test runs in a thread of its own.
    static MADE: Cell<u64> = const { Cell::new(0) };
}

impl Random {
    /// A generator of its own for every call of every test: it starts from the seed, the test's name and the number of
    /// generators the test has made so far.
    pub fn new() -> Self {
        let seed = seed();
        let thread = std::thread::current();
        let made = MADE.with(|made| made.replace(made.get() + 1));
        let mut state = Self(seed ^ made.wrapping_mul(0xD6E8_FEB8_6659_FD93));
        for byte in thread.name().unwrap_or_default().bytes() {
            state.0 ^= u64::from(byte);
            state.0 = state.bits();
        }
        state
    }

    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A value in [low, high).
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * ((self.bits() >> 11) as f64 / (1_u64 << 53) as f64)
    }

    /// `count` values in [-1, 1).
    pub fn values(&mut self, count: usize) -> Vec<f64> {
        (0..count).map(|_| self.uniform(-1.0, 1.0)).collect()
    }

    /// `count` values of which about a third are exactly zero and many are equal.
    pub fn coarse(&mut self, count: usize) -> Vec<f64> {
        (0..count).map(|_| self.uniform(-1.5, 1.5).round()).collect()
    }

    /// `count` bytes.
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| (self.bits() >> 56) as u8).collect()
    }

    /// Values for all parameters of a graph's layers.
    pub fn parameters(&mut self, graph: &Graph) -> Values {
        let mut values = HashMap::new();
        for parameter in graph.parameters() {
            let fan_in: usize = parameter.shape.iter().skip(1).product();
            let scale = (6.0 / fan_in as f64).sqrt();
            let mut draw = || match parameter.kind {
                ParameterKind::Weight => self.uniform(-scale, scale),
                ParameterKind::BatchNormVariance => self.uniform(0.5, 1.5),
                ParameterKind::BatchNormScale => {
                    self.uniform(0.3, 1.0) * if self.uniform(0.0, 1.0) < 0.2 { -1.0 } else { 1.0 }
                }
                _ => self.uniform(-0.3, 0.3),
            };
            values.insert(parameter.name.clone(), (0..parameter.element_count()).map(|_| draw() as f32).collect());
        }
        Values(values)
    }
}

/// Parameters in memory.
pub struct Values(pub HashMap<String, Vec<f32>>);

impl Parameters for Values {
    fn get(&self, name: &str) -> Option<&[f32]> {
        self.0.get(name).map(Vec::as_slice)
    }
}

impl Values {
    /// For graphs without layers.
    pub fn none() -> Self {
        Self(HashMap::new())
    }

    /// A parameter in f64.
    pub fn of(&self, name: &str) -> Vec<f64> {
        self.0[name].iter().map(|&value| f64::from(value)).collect()
    }
}
