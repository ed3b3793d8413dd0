// Depthwise convolution or its transpose: every channel has its own kernel. A lane owns one pixel of one channel quad.

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
    weight_part: u32, // 0 full, 1 absolute, 2 positive, 3 negative
    source_part: u32,
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

// Along one dimension: tap `first + j * step` meets source position `origin + index * spacing + j * direction`.
struct Taps { first: u32, step: u32, origin: i32, direction: i32 }

fn taps(offset: u32, padding: u32) -> Taps {
    if u.transposed == 0u { return Taps(0u, 1u, -i32(padding), 1); }
    let first = (offset + padding) % u.stride;
    return Taps(first, u.stride, i32((offset + padding - first) / u.stride), -1);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    // With stride s, a transposed convolution has s * s phases of destination pixels that use different taps.
    let step = select(1u, u.stride, u.transposed == 1u);
    let phase = group.z % (step * step);
    let sample = group.z / (step * step);
    let row = phase / step;
    let column = phase % step;
    let columns = (u.width + step - 1u - column) / step;
    let pixel = group.x * 64u + lane;
    let y = pixel / columns;
    let x = pixel % columns;
    if y * step + row >= u.height { return; }

    let quad = group.y;
    let source_base = (sample * u.quads + quad) * u.source_height * u.source_width;
    let weight_base = quad * u.kernel_rows * u.kernel_columns;
    let spacing = i32(select(u.stride, 1u, u.transposed == 1u));
    let down = taps(row, u.padding_top);
    let across = taps(column, u.padding_left);
    var sum = vec4f();
    var sy = i32(y) * spacing + down.origin;
    for (var ky = down.first; ky < u.kernel_rows; ky += down.step) {
        var sx = i32(x) * spacing + across.origin;
        for (var kx = across.first; kx < u.kernel_columns; kx += across.step) {
            if sy >= 0 && sy < i32(u.source_height) && sx >= 0 && sx < i32(u.source_width) {
                let value = part(source[source_base + u32(sy) * u.source_width + u32(sx)], u.source_part);
                sum = fma(part(weights[weight_base + ky * u.kernel_columns + kx], u.weight_part), value, sum);
            }
            sx += across.direction;
        }
        sy += down.direction;
    }
    let index = (sample * u.quads + quad) * u.height * u.width + (y * step + row) * u.width + x * step + column;
    destination[index] = finish(sum, quad, index);
}
