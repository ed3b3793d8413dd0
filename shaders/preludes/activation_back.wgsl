// What ReLU, or ReLU6 with u.high = 6, lets go back, by its output y: where gradients pass, and the relevance at its
// input by the ratio rule.
fn is_open(y: vec4f) -> vec4<bool> { return (y > vec4f()) & (y < vec4f(u.high)); }

fn relevance_back(c: vec4f, y: vec4f) -> vec4f { return select(vec4f(), y * (c / (y + 1e-9)), is_open(y)); }
