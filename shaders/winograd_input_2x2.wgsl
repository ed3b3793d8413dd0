// Winograd F(2x2, 3x3), first step: every 4x4 patch d of the source, patches 2 apart, becomes B^T d B. The 16 entries
// go to 16 slices, so that a convolution is 16 products of matrices (Lavin and Gray, CVPR 2016, section 4.1). A lane
// transforms one quad of one patch.

struct WinogradInput {
    source_height: u32, source_width: u32, quads: u32,
    tile_rows: u32, tile_columns: u32, // patches of one sample
    padding_top: u32, padding_left: u32,
    first_tile: u32, // patches of all samples before this dispatch
    tiles: u32,      // patches of this dispatch
}

@group(0) @binding(0) var<uniform> u: WinogradInput;
@group(0) @binding(1) var<storage, read_write> source: array<Quad>;      // [samples][quads][source pixels]
@group(0) @binding(2) var<storage, read_write> destination: array<Quad>; // [16][quads][tiles]

struct Row { a: vec4f, b: vec4f, c: vec4f, d: vec4f }

fn transform(r: Row) -> Row { return Row(r.a - r.c, r.b + r.c, r.c - r.b, r.b - r.d); }

fn load(base: u32, y: i32, x: i32) -> vec4f {
    let valid = y >= 0 && x >= 0 && y < i32(u.source_height) && x < i32(u.source_width);
    return select(vec4f(), unpack(source[select(0u, base + u32(y) * u.source_width + u32(x), valid)]), valid);
}

fn load_row(base: u32, y: i32, x: i32) -> Row {
    return transform(Row(load(base, y, x), load(base, y, x + 1), load(base, y, x + 2), load(base, y, x + 3)));
}

fn store_column(index: u32, slice: u32, column: Row) {
    let stride = u.quads * u.tiles;
    let r = transform(column);
    destination[index + slice * stride] = pack(r.a);
    destination[index + (slice + 4u) * stride] = pack(r.b);
    destination[index + (slice + 8u) * stride] = pack(r.c);
    destination[index + (slice + 12u) * stride] = pack(r.d);
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let end = min((group.x + 1u) * RUN, u.tiles);
    for (var tile = group.x * RUN + lane; tile < end; tile += LANES) {
        let number = u.first_tile + tile;
        let of_sample = u.tile_rows * u.tile_columns;
        let sample = number / of_sample;
        let place = number % of_sample;
        let y = i32(place / u.tile_columns * 2u) - i32(u.padding_top);
        let x = i32(place % u.tile_columns * 2u) - i32(u.padding_left);
        let base = (sample * u.quads + group.y) * u.source_height * u.source_width;
        let r0 = load_row(base, y, x);
        let r1 = load_row(base, y + 1, x);
        let r2 = load_row(base, y + 2, x);
        let r3 = load_row(base, y + 3, x);
        let index = group.y * u.tiles + tile;
        store_column(index, 0u, Row(r0.a, r1.a, r2.a, r3.a));
        store_column(index, 1u, Row(r0.b, r1.b, r2.b, r3.b));
        store_column(index, 2u, Row(r0.c, r1.c, r2.c, r3.c));
        store_column(index, 3u, Row(r0.d, r1.d, r2.d, r3.d));
    }
}
