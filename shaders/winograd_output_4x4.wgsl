// Winograd F(4x4, 3x3), last step: the 36 products m of each patch become A^T m A, 4x4 pixels of the convolution's result, and go through
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
@group(0) @binding(2) var<storage, read_write> source: array<Quad>;      // [36][quads][tiles]
@group(0) @binding(3) var<storage, read_write> operand: array<vec4f>;    // like destination, or the gate's values in x
@group(0) @binding(4) var<storage, read_write> destination: array<Quad>; // [samples][quads][pixels]

struct Row { a: vec4f, b: vec4f, c: vec4f, d: vec4f }

// The sums, differences and multiples that A^T is made of: one of two rows that stand for points of opposite sign.
fn sum(r: Row, s: Row) -> Row { return Row(r.a + s.a, r.b + s.b, r.c + s.c, r.d + s.d); }
fn difference(r: Row, s: Row) -> Row { return Row(r.a - s.a, r.b - s.b, r.c - s.c, r.d - s.d); }
fn sum_with(r: Row, factor: f32, s: Row) -> Row {
    return Row(r.a + factor * s.a, r.b + factor * s.b, r.c + factor * s.c, r.d + factor * s.d);
}

fn divide(a: vec4f, b: vec4f) -> vec4f {
    let shifted = b + 1e-9;
    let quotient = a / select(shifted, vec4f(1e-9), shifted == vec4f());
    return select(quotient, vec4f(), b == vec4f());
}

fn finish(quad: u32, index: u32) {
    let sum = unpack(destination[index]);
    if u.epilogue == 1u {
        destination[index] = pack(clamp(sum * affine[2u * quad] + affine[2u * quad + 1u], vec4f(u.low), vec4f(u.high)));
        return;
    }
    let other = operand[index];
    let ratio = select(divide(other, sum), vec4f(), other == vec4f());
    destination[index] = pack(select(sum * abs(other), ratio, u.epilogue == 2u));
}

fn load_row(index: u32, row: u32) -> Row {
    let stride = u.quads * u.tiles;
    let at = index + 6u * row * stride;
    let a = unpack(source[at]);
    let b = unpack(source[at + stride]);
    let c = unpack(source[at + 2u * stride]);
    let d = unpack(source[at + 3u * stride]);
    let e = unpack(source[at + 4u * stride]);
    let f = unpack(source[at + 5u * stride]);
    let s = b + c;
    let t = b - c;
    let p = d + e;
    let q = d - e;
    return Row(a + s + p, t + 2.0 * q, s + 4.0 * p, t + 8.0 * q + f);
}

fn gate_is_open() -> bool {
    var open = u.gate == 0u;
    for (var i = 0u; i < u.gate; i++) { open = open || operand[i].x != 0.0; }
    return open;
}

fn store_row(base: u32, y: u32, x: u32, r: Row) {
    if y >= u.height { return; }
    let at = base + y * u.width + x;
    destination[at] = pack(r.a);
    if x + 1u < u.width { destination[at + 1u] = pack(r.b); }
    if x + 2u < u.width { destination[at + 2u] = pack(r.c); }
    if x + 3u < u.width { destination[at + 3u] = pack(r.d); }
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    if !gate_is_open() { return; }
    let end = min((group.x + 1u) * RUN, u.tiles);
    for (var tile = group.x * RUN + lane; tile < end; tile += LANES) {
        let number = u.first_tile + tile;
        let of_sample = u.tile_rows * u.tile_columns;
        let sample = number / of_sample;
        let y = number % of_sample / u.tile_columns * 4u;
        let x = number % of_sample % u.tile_columns * 4u;
        let base = (sample * u.quads + group.y) * u.height * u.width;
        let index = group.y * u.tiles + tile;
        let r1 = load_row(index, 1u);
        let r2 = load_row(index, 2u);
        let s = sum(r1, r2);
        let t = difference(r1, r2);
        let r3 = load_row(index, 3u);
        let r4 = load_row(index, 4u);
        let p = sum(r3, r4);
        let q = difference(r3, r4);
        store_row(base, y + 1u, x, sum_with(t, 2.0, q));
        store_row(base, y + 2u, x, sum_with(s, 4.0, p));
        store_row(base, y, x, sum(load_row(index, 0u), sum(s, p)));
        store_row(base, y + 3u, x, sum(sum_with(t, 8.0, q), load_row(index, 5u)));
        if u.epilogue == 0u || sample >= u.finished { continue; }
        // One loop over what this lane has just stored compiles much faster than an epilogue for every pixel.
        for (var row = y; row < min(y + 4u, u.height); row++) {
            for (var column = x; column < min(x + 4u, u.width); column++) {
                finish(group.y, base + row * u.width + column);
            }
        }
    }
}
