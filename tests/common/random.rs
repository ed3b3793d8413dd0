//! Random numbers that differ on every run.

use agf::graph::Graph;
use agf::graph::parameter::ParameterKind;
use agf::reference::Parameters;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

/// splitmix64.
pub struct Random(u64);

impl Random {
    /// Starts from `AGF_SEED`, or anywhere; the seed is printed.
    pub fn new() -> Self {
        let given = std::env::var("AGF_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(|| RandomState::new().hash_one(0));
        println!("AGF_SEED={seed}");
        Self(seed)
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
