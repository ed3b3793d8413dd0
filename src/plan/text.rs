//! A plan as text: what `agf-run plan` prints and what tests pin.

use super::Plan;
use std::fmt;

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.steps.iter().enumerate() {
            let [x, y, z] = step.workgroups;
            let places: Vec<String> = step
                .values
                .iter()
                .map(|value| {
                    let place = self.places[value.0];
                    format!("{}:{}", place.buffer, place.offset)
                })
                .collect();
            writeln!(f, "{index:>4}  {}", step.label)?;
            writeln!(
                f,
                "      {}  [{x} x {y} x {z}]  {:.3} MFLOP  {:.3} MB",
                step.kernel,
                step.flops as f64 / 1e6,
                step.bytes as f64 / 1e6
            )?;
            writeln!(f, "      {}  at {}", step.uniforms, places.join(" "))?;
        }
        let mega = |bytes: u64| bytes as f64 / 1e6;
        writeln!(
            f,
            "batch {}: {} steps, {} kernels, {:.3} GFLOP",
            self.batch,
            self.steps.len(),
            self.kernels().len(),
            self.flops() as f64 / 1e9
        )?;
        writeln!(
            f,
            "memory: values {:.3} MB in {} buffers (lower bound {:.3} MB), weights {:.3} MB",
            mega(self.value_bytes()),
            self.buffers.len(),
            mega(self.lower_bound),
            mega(self.weight_bytes)
        )
    }
}
