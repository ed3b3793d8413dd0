// Winograd F(4x4, 3x3), last step: the 36 products m of each patch become A^T m A, 4x4 pixels of the convolution's
// result, and go through the epilogue of a convolution. A lane makes one quad of one patch.

struct Row { a: vec4f, b: vec4f, c: vec4f, d: vec4f }

// The sums, differences and multiples that A^T is made of: one of two rows that stand for points of opposite sign.
fn sum(r: Row, s: Row) -> Row { return Row(r.a + s.a, r.b + s.b, r.c + s.c, r.d + s.d); }
fn difference(r: Row, s: Row) -> Row { return Row(r.a - s.a, r.b - s.b, r.c - s.c, r.d - s.d); }
fn sum_with(r: Row, factor: f32, s: Row) -> Row {
    return Row(r.a + factor * s.a, r.b + factor * s.b, r.c + factor * s.c, r.d + factor * s.d);
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
    let end = min((group.x + 1u) * RUN, u.tiles);
    let channels = affine_of(group.y);
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
        if u.epilogue == EPILOGUE_NONE || sample >= u.finished { continue; }
        // One loop over what this lane has just stored compiles much faster than an epilogue for every pixel.
        for (var row = y; row < min(y + 4u, u.height); row++) {
            for (var column = x; column < min(x + 4u, u.width); column++) {
                let at = base + row * u.width + column;
                destination[at] = pack(epilogue(unpack(destination[at]), channels, at));
            }
        }
    }
}
