// Depthwise convolution or its transpose: every channel has its own kernel. A lane owns one pixel of one channel quad.

override WEIGHT_PART: u32 = 0u; // 0 full, 1 absolute, 2 positive, 3 negative
override SOURCE_PART: u32 = 0u;

struct Depthwise {
    source_height: u32,
    source_width: u32,
    height: u32, // of the destination
    width: u32,
    quads: u32,
    kernel_rows: u32,
    kernel_columns: u32,
    stride: u32,
    padding_top: u32,
    padding_left: u32,
    transposed: u32,
    epilogue: u32, // 0 none, 1 affine and clamp, 2 div(operand, sum * [operand != 0]), 3 sum * |operand|
    low: f32,
    high: f32,
}

@group(0) @binding(0) var<uniform> u: Depthwise;
@group(0) @binding(1) var<storage, read> weights: array<vec4f>; // [quads][taps]
@group(0) @binding(2) var<storage, read> affine: array<vec4f>;  // [quads][scale, shift]
@group(0) @binding(3) var<storage, read_write> source: array<vec4f>;      // [samples][quads][source pixels]
@group(0) @binding(4) var<storage, read_write> operand: array<vec4f>;     // like destination
@group(0) @binding(5) var<storage, read_write> destination: array<vec4f>; // [samples][quads][pixels]

fn part(v: vec4f, which: u32) -> vec4f {
    if which == 1u { return abs(v); }
    if which == 2u { return max(v, vec4f()); }
    if which == 3u { return min(v, vec4f()); }
    return v;
}

fn divide(a: vec4f, b: vec4f) -> vec4f {
    let shifted = b + 1e-9;
    let quotient = a / select(shifted, vec4f(1e-9), shifted == vec4f());
    return select(quotient, vec4f(), b == vec4f());
}

fn finish(sum: vec4f, quad: u32, index: u32) -> vec4f {
    switch u.epilogue {
        case 1u: { return clamp(sum * affine[2u * quad] + affine[2u * quad + 1u], vec4f(u.low), vec4f(u.high)); }
        case 2u: { return select(divide(operand[index], sum), vec4f(), operand[index] == vec4f()); }
        case 3u: { return sum * abs(operand[index]); }
        default: { return sum; }
    }
}

// Source position that tap `k` meets for destination position `at`; -1 where there is none.
fn position(at: u32, k: u32, padding: u32, size: u32) -> i32 {
    var result = -1;
    if u.transposed == 1u {
        let shifted = i32(at + padding) - i32(k);
        if shifted >= 0 && u32(shifted) % u.stride == 0u { result = shifted / i32(u.stride); }
    } else {
        result = i32(at * u.stride + k) - i32(padding);
    }
    return select(-1, result, result < i32(size));
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let pixels = u.height * u.width;
    let pixel = group.x * 64u + lane;
    if pixel >= pixels { return; }
    let y = pixel / u.width;
    let x = pixel % u.width;
    let quad = group.y;
    let source_base = (group.z * u.quads + quad) * u.source_height * u.source_width;
    let weight_base = quad * u.kernel_rows * u.kernel_columns;
    var sum = vec4f();
    for (var ky = 0u; ky < u.kernel_rows; ky++) {
        let sy = position(y, ky, u.padding_top, u.source_height);
        if sy < 0 { continue; }
        for (var kx = 0u; kx < u.kernel_columns; kx++) {
            let sx = position(x, kx, u.padding_left, u.source_width);
            if sx < 0 { continue; }
            let value = part(source[source_base + u32(sy) * u.source_width + u32(sx)], SOURCE_PART);
            sum = fma(part(weights[weight_base + ky * u.kernel_columns + kx], WEIGHT_PART), value, sum);
        }
    }
    let index = (group.z * u.quads + quad) * pixels + pixel;
    destination[index] = finish(sum, quad, index);
}
