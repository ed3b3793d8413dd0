// Dense convolution or its transpose for adapters whose subgroups have at least 8 lanes and whose loads are dear
// (software drivers): lane i of 8 loads row i's weights once and hands them round by subgroupBroadcast. One workgroup:
// 8 * ROW_TILES output channels x 32 pixels; a lane owns 4. Accumulators stay in registers: indices are literal, the
// loop over taps and quads is not unrolled. Groups of the same pixels follow each other: the source stays in the cache.
// Values are loaded two at a time, as integers of 64 bits. Bindings and weight layout are those of
// convolution_uniform.wgsl; parts are uniforms here, since every pipeline is dear to compile.

override ROW_TILES: u32 = 2u; // 1 or 2 tiles of 8 output channels

struct Convolution {
    source_height: u32, source_width: u32, source_quads: u32,
    height: u32, width: u32, quads: u32, // of the destination
    kernel_rows: u32, kernel_columns: u32, stride: u32, padding_top: u32, padding_left: u32,
    transposed: u32, samples: u32,
    slices: u32,       // more than 1: so many independent products, each with its own source, weights and destination
    weight_slice: u32, // vec4 elements of one slice of weights
    first_tile: u32,   // pixel tiles before this dispatch
    gate: u32,         // not 0: nothing to do unless one of so many values of `operand` is not zero
    epilogue: u32, finished: u32, // what happens to the sums of so many samples
    low: f32, high: f32,
    absolute_weight: u32, source_part: u32, // of the source
    row_blocks: u32, // of each slice or phase: the weights of a block stay in the cache
}

@group(0) @binding(0) var<uniform> u: Convolution;
// [slices][rows/8][taps][source quads][8 rows], 4 source channels of one row
@group(0) @binding(1) var<storage, read> weights: array<Quad>;
@group(0) @binding(2) var<storage, read> affine: array<Quad>;  // [quads][scale, shift]
@group(0) @binding(3) var<storage, read_write> source: array<Quad>;  // [slices][samples][source quads][source pixels]
@group(0) @binding(4) var<storage, read_write> operand: array<Quad>;     // like destination, or the gate's values in x
@group(0) @binding(5) var<storage, read_write> destination: array<Quad>; // [slices][samples][quads][pixels]

fn take_valid(v: Quad, p: Part, valid: bool) -> vec4f { // nothing where not valid
    return take(unpack(v), Part(select(0u, p.mask, valid), p.low, p.high));
}

fn rows(t: ptr<function, Tile>, w: vec4f, b: array<vec4f, 4>) {
    (*t)[0] = row(subgroupBroadcast(w, 0u), b, (*t)[0]); (*t)[1] = row(subgroupBroadcast(w, 1u), b, (*t)[1]);
    (*t)[2] = row(subgroupBroadcast(w, 2u), b, (*t)[2]); (*t)[3] = row(subgroupBroadcast(w, 3u), b, (*t)[3]);
    (*t)[4] = row(subgroupBroadcast(w, 4u), b, (*t)[4]); (*t)[5] = row(subgroupBroadcast(w, 5u), b, (*t)[5]);
    (*t)[6] = row(subgroupBroadcast(w, 6u), b, (*t)[6]); (*t)[7] = row(subgroupBroadcast(w, 7u), b, (*t)[7]);
}

@compute @workgroup_size(8)
fn main(
    @builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32, @builtin(subgroup_invocation_id) subgroup_lane: u32,
) {
    let row_group = group.z % u.row_blocks * groups.x + group.x;
    let quad = row_group * ROW_TILES * 2u; // the first of the destination
    if quad >= u.quads || !gate_is_open() { return; }
    let part = group.z / u.row_blocks;
    let slice = select(0u, part, u.slices > 1u);
    let area = grid(select(part, 0u, u.slices > 1u));
    let pixels = area.rows * area.columns;
    let index = (u.first_tile + group.y) * 32u + lane + vec4u(0u, 8u, 16u, 24u);
    let sample = index / vec4u(max(pixels, 1u));
    let pixel = index - sample * pixels;
    let y = pixel / max(area.columns, 1u);
    let x = pixel - y * area.columns;
    let inside = (sample < vec4u(u.samples)) & vec4<bool>(pixels > 0u);
    let spacing = i32(select(u.stride, 1u, u.transposed == 1u));
    let down = taps(area.row, u.padding_top);
    let across = taps(area.column, u.padding_left);
    let source_pixels = u.source_height * u.source_width;
    let source_base = (slice * u.samples + sample) * u.source_quads * source_pixels;
    let tap_stride = u.source_quads * 8u;
    let tile_stride = u.kernel_rows * u.kernel_columns * tap_stride;
    let weight_base = slice * u.weight_slice + row_group * ROW_TILES * tile_stride + (subgroup_lane & 7u);

    let mask = select(~0u, 0x7fffffffu, u.absolute_weight == 1u);
    let of_source = choose_part(u.source_part);
    var t0: Tile; var t1: Tile;
    var s0: Tile; var s1: Tile;
    var offset_y = down.origin;
    for (var ky = down.first; ky < u.kernel_rows; ky += down.step) {
        var offset_x = across.origin;
        for (var kx = across.first; kx < u.kernel_columns; kx += across.step) {
            let sy = vec4i(y) * spacing + offset_y;
            let sx = vec4i(x) * spacing + offset_x;
            let valid = inside & (sy >= vec4i()) & (sy < vec4i(i32(u.source_height))) & (sx >= vec4i())
                & (sx < vec4i(i32(u.source_width)));
            var at = select(vec4u(), source_base + vec4u(sy) * u.source_width + vec4u(sx), valid);
            var w = weight_base + (ky * u.kernel_columns + kx) * tap_stride;
            for (var first = 0u; first < u.source_quads; first += BLOCK) {
                let end = min(first + BLOCK, u.source_quads);
                t0 = Tile(); t1 = Tile();
                for (var i = first; i < end; i++) {
                    let b = array<vec4f, 4>(
                        take_valid(source[at.x], of_source, valid.x), take_valid(source[at.y], of_source, valid.y),
                        take_valid(source[at.z], of_source, valid.z), take_valid(source[at.w], of_source, valid.w),
                    );
                    rows(&t0, keep(weight(w), mask), b);
                    if ROW_TILES > 1u { rows(&t1, keep(weight(w + tile_stride), mask), b); }
                    at += source_pixels;
                    w += 8u;
                }
                add(&s0, &t0);
                if ROW_TILES > 1u { add(&s1, &t1); }
            }
            offset_x += across.direction;
        }
        offset_y += down.direction;
    }

    let step = select(1u, u.stride, u.transposed == 1u);
    let plane = u.height * u.width;
    let at = ((slice * u.samples + sample) * u.quads + quad) * plane + (y * step + area.row) * u.width + x * step
        + area.column;
    store(quad, at, inside, &s0);
    if ROW_TILES > 1u { store(quad + 2u, at + 2u * plane, inside, &s1); }
    if u.epilogue == EPILOGUE_NONE { return; }
    // One loop over what this lane has just stored, of a length that the compiler does not know, compiles much faster
    // than an epilogue for every register.
    let kept = keep_affine(quad, subgroup_lane & 7u);
    for (var i = 0u; i < min(ROW_TILES * 2u, u.quads - quad) * 4u; i++) {
        let channels = affine_of_kept(kept, i / 4u);
        let index = at[i & 3u] + i / 4u * plane;
        if inside[i & 3u] && sample[i & 3u] < u.finished {
            destination[index] = pack(epilogue(unpack(destination[index]), channels, index));
        }
    }
}
