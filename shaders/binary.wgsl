// Elementwise operations of two values; the second may be one value per channel or a scalar.

override OPERATION: u32 = BINARY_ADD;
override CLAMPED: bool = false; // ReLU or ReLU6 behind it

struct Binary {
    pixels: u32,
    quads: u32,
    operand: u32, // what b is
    high: f32,    // of the activation
    channels: u32,
}

@group(0) @binding(0) var<uniform> u: Binary;
@group(0) @binding(1) var<storage, read_write> a: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> b: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> destination: array<vec4f>; // [samples][quads][pixels]

const BINARY_ADD = 0u;
const BINARY_MULTIPLY = 1u;
const BINARY_MULTIPLY_ABSOLUTE = 2u;
const BINARY_SAFE_DIVIDE = 3u;
const BINARY_RATIO = 4u;
const BINARY_MASK = 5u;
const BINARY_ADD_ABSOLUTE = 6u;
const BINARY_SUBTRACT = 7u;
const BINARY_DIVIDE = 8u; // 0 where b is 0
const BINARY_ZERO = 9u;   // of neither

const OPERAND_LIKE = 0u; // b has a's shape
const OPERAND_PER_CHANNEL = 1u;
const OPERAND_SCALAR = 2u;
const OPERAND_NONE = 3u;

fn combine(p: vec4f, q: vec4f) -> vec4f {
    switch OPERATION {
        case BINARY_ADD: { return p + q; }
        case BINARY_MULTIPLY: { return p * q; }
        case BINARY_MULTIPLY_ABSOLUTE: { return p * abs(q); }
        case BINARY_SAFE_DIVIDE: { return divide(p, q); }
        case BINARY_RATIO: { return ratio(p, q); }
        case BINARY_MASK: { return select(p, vec4f(), q == vec4f()); }
        case BINARY_ADD_ABSOLUTE: { return abs(p) + abs(q); }
        case BINARY_SUBTRACT: { return p - q; }
        case BINARY_DIVIDE: { return select(p / select(q, vec4f(1.0), q == vec4f()), vec4f(), q == vec4f()); }
        default: { return vec4f(); }
    }
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    // What lies beside the last channel stays 0.
    let exists = 4u * group.y + vec4u(0u, 1u, 2u, 3u) < vec4u(u.channels);
    let end = min((group.x + 1u) * RUN, u.pixels);
    for (var pixel = group.x * RUN + lane; pixel < end; pixel += LANES) {
        let channel = group.z * u.quads + group.y;
        let index = channel * u.pixels + pixel;
        var q: vec4f;
        switch u.operand {
            case OPERAND_LIKE: { q = b[index]; }
            case OPERAND_PER_CHANNEL: { q = b[channel]; }
            case OPERAND_SCALAR: { q = select(vec4f(), vec4f(b[group.z].x), exists); }
            default: {}
        }
        var value = combine(a[index], q);
        if CLAMPED { value = clamp(value, vec4f(), vec4f(u.high)); }
        destination[index] = value;
    }
}
