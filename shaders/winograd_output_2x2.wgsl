// Winograd F(2x2, 3x3), last step: the 16 products m of each patch become A^T m A, 2x2 pixels of the convolution's result, and go through
// the epilogue of a convolution. A lane makes one quad of one patch.
// Quad, pack and unpack are those of quad_f32.wgsl or, on software drivers, of quad_u64.wgsl, which goes before this text.

override LANES: u32 = 64u;
override RUN: u32 = 64u; // patches of a workgroup

struct WinogradOutput {
    height: u32, width: u32, quads: u32,
    tile_rows: u32, tile_columns: u32, // patches of one sample
    first_tile: u32, // patches of all samples before this dispatch
    tiles: u32,      // patches of this dispatch
    gate: u32,       // not 0: nothing to do unless one of so many values of `operand` is not zero
    epilogue: u32, finished: u32, // 0 none, 1 affine and clamp, 2 div(operand, sum * [operand != 0]), 3 sum * |operand|; of so many samples
    low: f32, high: f32,
}

@group(0) @binding(0) var<uniform> u: WinogradOutput;
@group(0) @binding(1) var<storage, read> affine: array<vec4f>; // [quads][scale, shift]
@group(0) @binding(2) var<storage, read_write> source: array<Quad>;      // [16][quads][tiles]
@group(0) @binding(3) var<storage, read_write> operand: array<vec4f>;    // like destination, or the gate's values in x
@group(0) @binding(4) var<storage, read_write> destination: array<Quad>; // [samples][quads][pixels]

struct Pair { a: vec4f, b: vec4f }

fn transform(m0: vec4f, m1: vec4f, m2: vec4f, m3: vec4f) -> Pair { return Pair(m0 + m1 + m2, m1 - m2 - m3); }

fn divide(a: vec4f, b: vec4f) -> vec4f {
    let shifted = b + 1e-9;
    let quotient = a / select(shifted, vec4f(1e-9), shifted == vec4f());
    return select(quotient, vec4f(), b == vec4f());
}

fn finish(quad: u32, index: u32, sum: vec4f) -> vec4f {
    if u.epilogue == 1u { return clamp(sum * affine[2u * quad] + affine[2u * quad + 1u], vec4f(u.low), vec4f(u.high)); }
    let other = operand[index];
    let ratio = select(divide(other, sum), vec4f(), other == vec4f());
    return select(sum * abs(other), ratio, u.epilogue == 2u);
}

fn load(index: u32) -> vec4f { return unpack(source[index]); }

fn load_row(index: u32) -> Pair {
    let stride = u.quads * u.tiles;
    return transform(load(index), load(index + stride), load(index + 2u * stride), load(index + 3u * stride));
}

fn gate_is_open() -> bool {
    var open = u.gate == 0u;
    for (var i = 0u; i < u.gate; i++) { open = open || operand[i].x != 0.0; }
    return open;
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    if !gate_is_open() { return; }
    let end = min((group.x + 1u) * RUN, u.tiles);
    for (var tile = group.x * RUN + lane; tile < end; tile += LANES) {
        let index = group.y * u.tiles + tile;
        let row_stride = 4u * u.quads * u.tiles;
        let r0 = load_row(index);
        let r1 = load_row(index + row_stride);
        let r2 = load_row(index + 2u * row_stride);
        let r3 = load_row(index + 3u * row_stride);
        let left = transform(r0.a, r1.a, r2.a, r3.a);
        let right = transform(r0.b, r1.b, r2.b, r3.b);

        let number = u.first_tile + tile;
        let of_sample = u.tile_rows * u.tile_columns;
        let sample = number / of_sample;
        let y = number % of_sample / u.tile_columns * 2u;
        let x = number % of_sample % u.tile_columns * 2u;
        let base = (sample * u.quads + group.y) * u.height * u.width;
        let epilogue = select(0u, u.epilogue, sample < u.finished);
        store(base, epilogue, group.y, y, x, left.a);
        store(base, epilogue, group.y, y, x + 1u, right.a);
        store(base, epilogue, group.y, y + 1u, x, left.b);
        store(base, epilogue, group.y, y + 1u, x + 1u, right.b);
    }
}

fn store(base: u32, epilogue: u32, quad: u32, y: u32, x: u32, sum: vec4f) {
    if y >= u.height || x >= u.width { return; }
    let at = base + y * u.width + x;
    var result = sum;
    if epilogue != 0u { result = finish(quad, at, sum); }
    destination[at] = pack(result);
}
