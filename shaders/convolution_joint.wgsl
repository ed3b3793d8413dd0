// W x and |W| x as one product, of an x that is nowhere negative: a convolution's forward pass together with the sums
// that relevance is divided by later. Values and weights are loaded and handed round once for both. For the adapters of
// convolution_broadcast.wgsl, and in all else that file's kernel: lanes, tiles, order of sums, order of workgroups,
// bindings; each of the two sums has the same bits.

override ROW_TILES: u32 = 2u; // 1 or 2 tiles of 8 output channels

struct Joint {
    source_height: u32, source_width: u32, source_quads: u32,
    height: u32, width: u32, quads: u32, // of the destinations
    kernel_rows: u32, kernel_columns: u32, stride: u32, padding_top: u32, padding_left: u32,
    samples: u32,
    first_tile: u32, // pixel tiles before this dispatch
    epilogue: u32,   // of W x: 0 none, 1 affine and clamp
    low: f32, high: f32,
    row_blocks: u32, // the weights of a block stay in the cache
}

@group(0) @binding(0) var<uniform> u: Joint;
// [rows/8][taps][source quads][8 rows], 4 source channels of one row
@group(0) @binding(1) var<storage, read> weights: array<Quad>;
@group(0) @binding(2) var<storage, read> affine: array<vec4f>; // [quads][scale, shift]
@group(0) @binding(3) var<storage, read_write> source: array<Quad>;  // [samples][source quads][source pixels]
@group(0) @binding(4) var<storage, read_write> absolute: array<vec4f>;    // |W| x: [samples][quads][pixels]
@group(0) @binding(5) var<storage, read_write> destination: array<vec4f>; // W x, likewise

alias Tile = array<vec4f, 16>; // 4 pixels of 8 output channels of W x, then of |W| x

fn take(at: u32, valid: bool) -> vec4f { return select(vec4f(), unpack(source[at]), valid); }

fn rows(t: ptr<function, Tile>, w: vec4f, b: array<vec4f, 4>) {
    { let v = subgroupBroadcast(w, 0u); (*t)[0] = row(v, b, (*t)[0]); (*t)[8] = row(abs(v), b, (*t)[8]); }
    { let v = subgroupBroadcast(w, 1u); (*t)[1] = row(v, b, (*t)[1]); (*t)[9] = row(abs(v), b, (*t)[9]); }
    { let v = subgroupBroadcast(w, 2u); (*t)[2] = row(v, b, (*t)[2]); (*t)[10] = row(abs(v), b, (*t)[10]); }
    { let v = subgroupBroadcast(w, 3u); (*t)[3] = row(v, b, (*t)[3]); (*t)[11] = row(abs(v), b, (*t)[11]); }
    { let v = subgroupBroadcast(w, 4u); (*t)[4] = row(v, b, (*t)[4]); (*t)[12] = row(abs(v), b, (*t)[12]); }
    { let v = subgroupBroadcast(w, 5u); (*t)[5] = row(v, b, (*t)[5]); (*t)[13] = row(abs(v), b, (*t)[13]); }
    { let v = subgroupBroadcast(w, 6u); (*t)[6] = row(v, b, (*t)[6]); (*t)[14] = row(abs(v), b, (*t)[14]); }
    { let v = subgroupBroadcast(w, 7u); (*t)[7] = row(v, b, (*t)[7]); (*t)[15] = row(abs(v), b, (*t)[15]); }
}

fn add(s: ptr<function, Tile>, t: ptr<function, Tile>) {
    (*s)[0] += (*t)[0]; (*s)[1] += (*t)[1]; (*s)[2] += (*t)[2]; (*s)[3] += (*t)[3];
    (*s)[4] += (*t)[4]; (*s)[5] += (*t)[5]; (*s)[6] += (*t)[6]; (*s)[7] += (*t)[7];
    (*s)[8] += (*t)[8]; (*s)[9] += (*t)[9]; (*s)[10] += (*t)[10]; (*s)[11] += (*t)[11];
    (*s)[12] += (*t)[12]; (*s)[13] += (*t)[13]; (*s)[14] += (*t)[14]; (*s)[15] += (*t)[15];
}

@compute @workgroup_size(8)
fn main(
    @builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32, @builtin(subgroup_invocation_id) subgroup_lane: u32,
) {
    let row_group = group.z * groups.x + group.x;
    let quad = row_group * ROW_TILES * 2u; // the first of the destinations
    if quad >= u.quads { return; }
    let pixels = u.height * u.width;
    let index = (u.first_tile + group.y) * 32u + lane + vec4u(0u, 8u, 16u, 24u);
    let sample = index / pixels;
    let pixel = index - sample * pixels;
    let y = pixel / u.width;
    let x = pixel - y * u.width;
    let inside = sample < vec4u(u.samples);
    let source_pixels = u.source_height * u.source_width;
    let source_base = sample * u.source_quads * source_pixels;
    let tap_stride = u.source_quads * 8u;
    let tile_stride = u.kernel_rows * u.kernel_columns * tap_stride;
    var w = row_group * ROW_TILES * tile_stride + (subgroup_lane & 7u);
    var t0: Tile; var t1: Tile;
    var s0: Tile; var s1: Tile;
    for (var ky = 0u; ky < u.kernel_rows; ky++) {
        for (var kx = 0u; kx < u.kernel_columns; kx++) {
            let sy = vec4i(y * u.stride + ky) - i32(u.padding_top);
            let sx = vec4i(x * u.stride + kx) - i32(u.padding_left);
            let valid = inside & (sy >= vec4i()) & (sy < vec4i(i32(u.source_height))) & (sx >= vec4i())
                & (sx < vec4i(i32(u.source_width)));
            var at = select(vec4u(), source_base + vec4u(sy) * u.source_width + vec4u(sx), valid);
            for (var first = 0u; first < u.source_quads; first += BLOCK) {
                let end = min(first + BLOCK, u.source_quads);
                t0 = Tile(); t1 = Tile();
                for (var i = first; i < end; i++) {
                    let b = array<vec4f, 4>(
                        take(at.x, valid.x), take(at.y, valid.y), take(at.z, valid.z), take(at.w, valid.w));
                    rows(&t0, weight(w), b);
                    if ROW_TILES > 1u { rows(&t1, weight(w + tile_stride), b); }
                    at += source_pixels;
                    w += 8u;
                }
                add(&s0, &t0);
                if ROW_TILES > 1u { add(&s1, &t1); }
            }
        }
    }
    let at = (sample * u.quads + quad) * pixels + pixel;
    store(quad, at, inside, &s0);
    if ROW_TILES > 1u { store(quad + 2u, at + 2u * pixels, inside, &s1); }
    if u.epilogue == 0u { return; }
    // One loop over what this lane has just stored, of a length that the compiler does not know, compiles much faster
    // than an epilogue for every register.
    for (var i = 0u; i < min(ROW_TILES * 2u, u.quads - quad) * 4u; i++) {
        if inside[i & 3u] { finish(quad + i / 4u, at[i & 3u] + i / 4u * pixels); }
    }
}

fn finish(quad: u32, index: u32) {
    destination[index] =
        clamp(destination[index] * affine[2u * quad] + affine[2u * quad + 1u], vec4f(u.low), vec4f(u.high));
}

fn store(quad: u32, at: vec4u, inside: vec4<bool>, t: ptr<function, Tile>) {
    let next = at + u.height * u.width;
    store_quad(quad, at, inside, false, transpose(mat4x4f((*t)[0], (*t)[1], (*t)[2], (*t)[3])));
    store_quad(quad + 1u, next, inside, false, transpose(mat4x4f((*t)[4], (*t)[5], (*t)[6], (*t)[7])));
    store_quad(quad, at, inside, true, transpose(mat4x4f((*t)[8], (*t)[9], (*t)[10], (*t)[11])));
    store_quad(quad + 1u, next, inside, true, transpose(mat4x4f((*t)[12], (*t)[13], (*t)[14], (*t)[15])));
}

fn store_quad(quad: u32, at: vec4u, inside: vec4<bool>, is_absolute: bool, values: mat4x4f) {
    if quad >= u.quads { return; }
    if inside.x { put(at.x, is_absolute, values[0]); } if inside.y { put(at.y, is_absolute, values[1]); }
    if inside.z { put(at.z, is_absolute, values[2]); } if inside.w { put(at.w, is_absolute, values[3]); }
}

fn put(at: u32, is_absolute: bool, value: vec4f) {
    if is_absolute { absolute[at] = value; } else { destination[at] = value; }
}
