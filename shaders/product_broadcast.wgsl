// Products of matrices, for the adapters of convolution_broadcast.wgsl: convolutions of one tap without padding, in
// either direction, and the slices of Winograd's algorithm. That file's loads and order of workgroups, with nothing in
// the way of taps; sums are short, so a lane owns 7 pixels instead of 4 and stores them, too, as integers of 64 bits.
// One workgroup: 8 * ROW_TILES channels x 56 pixels, of which maps of 7, 14, 28, 56, 112 and 224 rows and columns leave
// few unused. With a stride, only the pixels that meet the tap take part.

override ROW_TILES: u32 = 2u; // 1 or 2 tiles of 8 output channels

struct Product {
    pixels: u32, columns: u32, // of the grid; one row of all pixels where they lie side by side
    // vec4 elements between planes, rows and columns of the grid
    source_plane: u32, source_row: u32, source_column: u32,
    plane: u32, row: u32, column: u32, // likewise of the destination
    source_quads: u32, quads: u32,
    samples: u32,
    weight_slice: u32, // vec4 elements of one slice of weights
    first_tile: u32,   // pixel tiles before this dispatch
    gate: u32,         // not 0: nothing to do unless one of so many values of `operand` is not zero
    epilogue: u32, finished: u32, // what happens to the sums of so many samples
    low: f32, high: f32,
    absolute_weight: u32, absolute_source: u32,
    row_blocks: u32,   // of each slice: the weights of a block stay in the cache
}

@group(0) @binding(0) var<uniform> u: Product;
// [slices][rows/8][source quads][8 rows], 4 source channels of one row
@group(0) @binding(1) var<storage, read> weights: array<Quad>;
@group(0) @binding(2) var<storage, read> affine: array<Quad>; // [quads][scale, shift]
@group(0) @binding(3) var<storage, read_write> source: array<Quad>;      // [slices][samples][source quads][pixels]
// like destination, or the gate's values in x
@group(0) @binding(4) var<storage, read_write> operand: array<Quad>;
@group(0) @binding(5) var<storage, read_write> destination: array<Quad>; // [slices][samples][quads][pixels]

struct Tile { near: array<vec4f, 8>, far: array<vec3f, 8> } // 4 and 3 pixels of 8 output channels
struct Values { near: array<vec4f, 4>, far: array<vec4f, 3> } // 4 source channels of 4 and 3 pixels

fn dot4(w: vec4f, b: vec4f, c: f32) -> f32 { return fma(w.w, b.w, fma(w.z, b.z, fma(w.y, b.y, fma(w.x, b.x, c)))); }

fn row(t: ptr<function, Tile>, i: u32, w: vec4f, b: Values) {
    let c = (*t).near[i];
    let d = (*t).far[i];
    (*t).near[i] =
        vec4f(dot4(w, b.near[0], c.x), dot4(w, b.near[1], c.y), dot4(w, b.near[2], c.z), dot4(w, b.near[3], c.w));
    (*t).far[i] = vec3f(dot4(w, b.far[0], d.x), dot4(w, b.far[1], d.y), dot4(w, b.far[2], d.z));
}

fn rows(t: ptr<function, Tile>, w: vec4f, b: Values) {
    row(t, 0u, subgroupBroadcast(w, 0u), b); row(t, 1u, subgroupBroadcast(w, 1u), b);
    row(t, 2u, subgroupBroadcast(w, 2u), b); row(t, 3u, subgroupBroadcast(w, 3u), b);
    row(t, 4u, subgroupBroadcast(w, 4u), b); row(t, 5u, subgroupBroadcast(w, 5u), b);
    row(t, 6u, subgroupBroadcast(w, 6u), b); row(t, 7u, subgroupBroadcast(w, 7u), b);
}

// Four pixels of a lane: their samples, whether they exist, and their places in the first quad of the source and of the
// destination.
struct Place { sample: vec4u, inside: vec4<bool>, source: vec4u, destination: vec4u }
fn place(first: u32, slice: u32, quad: u32) -> Place {
    let index = first + vec4u(0u, 8u, 16u, 24u);
    var sample = vec4u();
    if u.samples > 1u { sample = index / u.pixels; }
    let pixel = index - sample * u.pixels;
    let inside = (sample < vec4u(u.samples)) & (pixel < vec4u(u.pixels));
    var y = vec4u();
    if u.columns < u.pixels { y = pixel / u.columns; }
    let x = pixel - y * u.columns;
    let first_quad = slice * u.samples + sample;
    let source = first_quad * u.source_quads * u.source_plane + y * u.source_row + x * u.source_column;
    let destination = (first_quad * u.quads + quad) * u.plane + y * u.row + x * u.column;
    return Place(sample, inside, select(vec4u(), source, inside), destination);
}

fn load_kept(at: u32, mask: u32) -> vec4f { return keep(unpack(source[at]), mask); }
fn load(near: vec4u, far: vec3u, mask: u32) -> Values {
    return Values(
        array<vec4f, 4>(
            load_kept(near.x, mask), load_kept(near.y, mask), load_kept(near.z, mask), load_kept(near.w, mask)),
        array<vec4f, 3>(load_kept(far.x, mask), load_kept(far.y, mask), load_kept(far.z, mask)),
    );
}

@compute @workgroup_size(8)
fn main(
    @builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32, @builtin(subgroup_invocation_id) subgroup_lane: u32,
) {
    let row_group = group.z % u.row_blocks * groups.x + group.x;
    let quad = row_group * ROW_TILES * 2u; // the first of the destination
    if quad >= u.quads || !gate_is_open() { return; }
    let slice = group.z / u.row_blocks;
    let first = (u.first_tile + group.y) * 56u + lane;
    let near = place(first, slice, quad);
    let far = place(first + 32u, slice, quad); // its fourth pixel is the next workgroup's
    let tile_stride = u.source_quads * 8u;
    var w = slice * u.weight_slice + row_group * ROW_TILES * tile_stride + (subgroup_lane & 7u);
    let mask = select(~0u, 0x7fffffffu, u.absolute_weight == 1u);
    let source_mask = select(~0u, 0x7fffffffu, u.absolute_source == 1u);
    var near_at = near.source;
    var far_at = far.source.xyz;
    var t0: Tile; var t1: Tile;
    for (var i = 0u; i < u.source_quads; i++) {
        let values = load(near_at, far_at, source_mask);
        rows(&t0, keep(weight(w), mask), values);
        if ROW_TILES > 1u { rows(&t1, keep(weight(w + tile_stride), mask), values); }
        near_at += u.source_plane;
        far_at += u.source_plane;
        w += 8u;
    }
    store(quad, near, far, 0u, &t0);
    if ROW_TILES > 1u { store(quad + 2u, near, far, 2u * u.plane, &t1); }
    if u.epilogue == EPILOGUE_NONE { return; }
    // One loop over what this lane has just stored, of a length that the compiler does not know, compiles much faster
    // than an epilogue for every register.
    let kept = keep_affine(quad, subgroup_lane & 7u);
    for (var i = 0u; i < min(ROW_TILES * 2u, u.quads - quad) * 8u; i++) {
        let channels = affine_of_kept(kept, i / 8u);
        let is_far = (i & 4u) != 0u;
        let inside = select(near.inside[i & 3u], far.inside[i & 3u], is_far);
        let sample = select(near.sample[i & 3u], far.sample[i & 3u], is_far);
        let at = select(near.destination[i & 3u], far.destination[i & 3u], is_far);
        let index = at + i / 8u * u.plane;
        if inside && sample < u.finished && (i & 7u) != 7u {
            destination[index] = pack(epilogue(unpack(destination[index]), channels, index));
        }
    }
}

fn store(quad: u32, near: Place, far: Place, offset: u32, t: ptr<function, Tile>) {
    let n = (*t).near;
    let f = (*t).far;
    store_quad(quad, near, far, offset, transpose(mat4x4f(n[0], n[1], n[2], n[3])),
        transpose(mat4x3f(f[0], f[1], f[2], f[3])));
    store_quad(quad + 1u, near, far, offset + u.plane, transpose(mat4x4f(n[4], n[5], n[6], n[7])),
        transpose(mat4x3f(f[4], f[5], f[6], f[7])));
}

fn store_quad(quad: u32, near: Place, far: Place, offset: u32, n: mat4x4f, f: mat3x4f) {
    if quad >= u.quads { return; }
    put(near.inside.x, near.destination.x + offset, n[0]); put(near.inside.y, near.destination.y + offset, n[1]);
    put(near.inside.z, near.destination.z + offset, n[2]); put(near.inside.w, near.destination.w + offset, n[3]);
    put(far.inside.x, far.destination.x + offset, f[0]); put(far.inside.y, far.destination.y + offset, f[1]);
    put(far.inside.z, far.destination.z + offset, f[2]);
}

fn put(inside: bool, at: u32, value: vec4f) {
    if inside { destination[at] = pack(value); }
}
