// Depthwise convolution or its transpose: every channel has its own kernel. A lane owns PIXELS pixels of one channel quad.

override PIXELS: u32 = 1u; // 1 or 4; 4 bring each weight in once for four pixels, for software drivers and large maps

struct Depthwise {
    source_height: u32, source_width: u32,
    height: u32, width: u32, quads: u32, // of the destination
    kernel_rows: u32, kernel_columns: u32,
    stride: u32, padding_top: u32, padding_left: u32,
    transposed: u32,
    gate: u32,     // not 0: nothing to do unless one of so many values of `operand` is not zero
    epilogue: u32, // 0 none, 1 affine and clamp, 2 div(operand, sum * [operand != 0]), 3 sum * |operand|
    low: f32, high: f32,
    weight_part: u32, // 0 full, 1 absolute, 2 positive, 3 negative
    source_part: u32,
}

@group(0) @binding(0) var<uniform> u: Depthwise;
@group(0) @binding(1) var<storage, read> weights: array<vec4f>; // [quads][taps]
@group(0) @binding(2) var<storage, read> affine: array<vec4f>;  // [quads][scale, shift]
@group(0) @binding(3) var<storage, read_write> source: array<vec4f>;      // [samples][quads][source pixels]
@group(0) @binding(4) var<storage, read_write> operand: array<vec4f>;     // like destination, or the gate's values in x
@group(0) @binding(5) var<storage, read_write> destination: array<vec4f>; // [samples][quads][pixels]

// A part of a value as bits to keep and bounds: full, absolute (no sign bit), positive, negative.
struct Part { mask: u32, low: f32, high: f32 }

const LARGEST = 3.4028234e38;

fn choose_part(which: u32) -> Part {
    return Part(
        select(0xffffffffu, 0x7fffffffu, which == 1u),
        select(-LARGEST, 0.0, which == 2u),
        select(LARGEST, 0.0, which == 3u),
    );
}

fn take(v: vec4f, p: Part) -> vec4f {
    return clamp(bitcast<vec4f>(bitcast<vec4u>(v) & vec4u(p.mask)), vec4f(p.low), vec4f(p.high));
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

fn gate_is_open() -> bool {
    var open = u.gate == 0u;
    for (var i = 0u; i < u.gate; i++) { open = open || operand[i].x != 0.0; }
    return open;
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
    if columns == 0u { return; }
    let pixel = vec4u(group.x * 64u * PIXELS + lane) + vec4u(0u, 64u, 128u, 192u);
    let y = pixel / columns;
    let x = pixel % columns;
    let inside = y * step + row < vec4u(u.height);
    if !inside.x || !gate_is_open() { return; }

    let quad = group.y;
    let source_base = (sample * u.quads + quad) * u.source_height * u.source_width;
    var w = quad * u.kernel_rows * u.kernel_columns;
    let spacing = i32(select(u.stride, 1u, u.transposed == 1u));
    let down = taps(row, u.padding_top);
    let across = taps(column, u.padding_left);
    let of_weight = choose_part(u.weight_part);
    let of_source = choose_part(u.source_part);
    var sum: array<vec4f, 4>;
    var sy = vec4i(y) * spacing + down.origin;
    for (var ky = down.first; ky < u.kernel_rows; ky += down.step) {
        let in_rows = inside & (sy >= vec4i()) & (sy < vec4i(i32(u.source_height)));
        var sx = vec4i(x) * spacing + across.origin;
        for (var kx = across.first; kx < u.kernel_columns; kx += across.step) {
            let valid = in_rows & (sx >= vec4i()) & (sx < vec4i(i32(u.source_width)));
            let at = select(vec4u(), vec4u(sy) * u.source_width + vec4u(sx), valid) + source_base;
            let weight = take(weights[w + ky * u.kernel_columns + kx], of_weight);
            sum[0] = fma(weight, take(select(vec4f(), source[at.x], valid.x), of_source), sum[0]);
            if PIXELS > 1u {
                sum[1] = fma(weight, take(select(vec4f(), source[at.y], valid.y), of_source), sum[1]);
                sum[2] = fma(weight, take(select(vec4f(), source[at.z], valid.z), of_source), sum[2]);
                sum[3] = fma(weight, take(select(vec4f(), source[at.w], valid.w), of_source), sum[3]);
            }
            sx += across.direction;
        }
        sy += down.direction;
    }
    let index = (sample * u.quads + quad) * u.height * u.width + (y * step + row) * u.width + x * step + column;
    destination[index.x] = finish(sum[0], quad, index.x);
    if PIXELS > 1u {
        if inside.y { destination[index.y] = finish(sum[1], quad, index.y); }
        if inside.z { destination[index.z] = finish(sum[2], quad, index.z); }
        if inside.w { destination[index.w] = finish(sum[3], quad, index.w); }
    }
}
