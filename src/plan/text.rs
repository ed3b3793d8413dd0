//! A plan as text: what `agf-run plan` prints and what tests pin.

use super::Plan;
use crate::graph::Role;
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
        for role in [Role::First, Role::Full, Role::Flat] {
            write_passes(f, role, self)?;
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

/// How often the convolutions of a role go through their weights.
fn write_passes(f: &mut fmt::Formatter<'_>, role: Role, plan: &Plan) -> fmt::Result {
    let of_role = || plan.passes.iter().filter(move |passes| passes.role == role);
    let Some(most) = of_role().map(|passes| passes.always).max() else { return Ok(()) };
    write!(f, "{} convolutions of role {}: at most {most} passes each", of_role().count(), role.name())?;
    match of_role().map(|passes| passes.gated).max() {
        Some(gated) if gated > 0 => writeln!(f, ", {gated} more where a gradient is masked"),
        _ => writeln!(f),
    }
}
