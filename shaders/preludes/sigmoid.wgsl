// sigmoid(10 v), of a v whose exponential would overflow that of the nearest that does not.
fn sigmoid10(v: vec4f) -> vec4f { return 1.0 / (1.0 + exp(clamp(-10.0 * v, vec4f(-80.0), vec4f(80.0)))); }
