// Winograd F(4x4, 3x3), first step: every 6x6 patch d of the source, patches 4 apart, becomes B^T d B. The 36 entries
// go to 36 slices, so that a convolution is 36 products of matrices (Lavin and Gray, CVPR 2016, section 4.3). A lane
// transforms half a quad of one patch, since a whole one takes more registers than let a graphics card hide its loads;
// neighbours share a quad.

struct WinogradInput {
    source_height: u32, source_width: u32, quads: u32,
    tile_rows: u32, tile_columns: u32, // patches of one sample
    padding_top: u32, padding_left: u32,
    first_tile: u32, // patches of all samples before this dispatch
    tiles: u32,      // patches of this dispatch
}

@group(0) @binding(0) var<uniform> u: WinogradInput;
@group(0) @binding(1) var<storage, read_write> source: array<Half>;   // [samples][quads][source pixels][2]
@group(0) @binding(2) var<storage, read_write> destination: array<Half>; // [36][quads][tiles][2]

struct Row { a: vec2f, b: vec2f, c: vec2f, d: vec2f, e: vec2f, f: vec2f }

// The rows of B^T between the first and the last come in pairs that differ in the sign of every other value.
fn transform(r: Row) -> Row {
    let even = r.e - 4.0 * r.c;
    let odd = r.d - 4.0 * r.b;
    let other_even = r.e - r.c;
    let other_odd = 2.0 * (r.d - r.b);
    let first = 4.0 * r.a - 5.0 * r.c + r.e;
    let last = 4.0 * r.b - 5.0 * r.d + r.f;
    return Row(first, even + odd, even - odd, other_even + other_odd, other_even - other_odd, last);
}

fn load(base: u32, y: i32, x: i32) -> vec2f {
    let valid = y >= 0 && x >= 0 && y < i32(u.source_height) && x < i32(u.source_width);
    return select(vec2f(), unpack_half(source[select(0u, base + 2u * (u32(y) * u.source_width + u32(x)), valid)]),
        valid);
}

fn load_row(base: u32, y: i32, x: i32) -> Row {
    let a = load(base, y, x);
    let b = load(base, y, x + 1);
    let c = load(base, y, x + 2);
    let d = load(base, y, x + 3);
    let e = load(base, y, x + 4);
    return transform(Row(a, b, c, d, e, load(base, y, x + 5)));
}

fn store_column(index: u32, slice: u32, column: Row) {
    let stride = 2u * u.quads * u.tiles;
    let r = transform(column);
    destination[index + slice * stride] = pack_half(r.a);
    destination[index + (slice + 6u) * stride] = pack_half(r.b);
    destination[index + (slice + 12u) * stride] = pack_half(r.c);
    destination[index + (slice + 18u) * stride] = pack_half(r.d);
    destination[index + (slice + 24u) * stride] = pack_half(r.e);
    destination[index + (slice + 30u) * stride] = pack_half(r.f);
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let end = min((group.x + 1u) * RUN, 2u * u.tiles);
    for (var half = group.x * RUN + lane; half < end; half += LANES) {
        let tile = half / 2u;
        let number = u.first_tile + tile;
        let of_sample = u.tile_rows * u.tile_columns;
        let sample = number / of_sample;
        let place = number % of_sample;
        let y = i32(place / u.tile_columns * 4u) - i32(u.padding_top);
        let x = i32(place % u.tile_columns * 4u) - i32(u.padding_left);
        let base = 2u * (sample * u.quads + group.y) * u.source_height * u.source_width + half % 2u;
        let r0 = load_row(base, y, x);
        let r1 = load_row(base, y + 1, x);
        let r2 = load_row(base, y + 2, x);
        let r3 = load_row(base, y + 3, x);
        let r4 = load_row(base, y + 4, x);
        let r5 = load_row(base, y + 5, x);
        let index = 2u * (group.y * u.tiles + tile) + half % 2u;
        store_column(index, 0u, Row(r0.a, r1.a, r2.a, r3.a, r4.a, r5.a));
        store_column(index, 1u, Row(r0.b, r1.b, r2.b, r3.b, r4.b, r5.b));
        store_column(index, 2u, Row(r0.c, r1.c, r2.c, r3.c, r4.c, r5.c));
        store_column(index, 3u, Row(r0.d, r1.d, r2.d, r3.d, r4.d, r5.d));
        store_column(index, 4u, Row(r0.e, r1.e, r2.e, r3.e, r4.e, r5.e));
        store_column(index, 5u, Row(r0.f, r1.f, r2.f, r3.f, r4.f, r5.f));
    }
}
