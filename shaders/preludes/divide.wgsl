// div(a, b) is 0 where b is 0, else a / (b + 1e-9). Zeros are caught before the division, as compilers may assume that
// NaN does not exist.
fn divide(a: vec4f, b: vec4f) -> vec4f {
    let shifted = b + 1e-9;
    let quotient = a / select(shifted, vec4f(1e-9), shifted == vec4f());
    return select(quotient, vec4f(), b == vec4f());
}

// div(c, z [c != 0]): relevance c over a response z.
fn ratio(c: vec4f, z: vec4f) -> vec4f { return select(divide(c, z), vec4f(), c == vec4f()); }

// What div divides by, where b is not 0.
fn divisor(b: f32) -> f32 { return select(b + 1e-9, 1e-9, b + 1e-9 == 0.0); }

// Relevance of a value that two steps read, each of which sent some back: x (div(c, x) + div(d, x)).
fn fan_out(c: vec4f, d: vec4f, x: vec4f) -> vec4f { return x * (divide(c, x) + divide(d, x)); }
