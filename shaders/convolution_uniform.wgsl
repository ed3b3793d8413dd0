// Dense convolution or its transpose for any adapter: all lanes of a workgroup read the same weights (uniform addresses
// become scalar loads). One workgroup: 8 * ROW_TILES output channels x 64 * PIXELS pixels. Same uniforms, bindings and
// weight layout as convolution_broadcast.wgsl.

override ABSOLUTE_WEIGHT: bool = false;
override SOURCE_PART: u32 = 0u;
override ROW_TILES: u32 = 2u; // 1 or 2 tiles of 8 output channels
// of a lane: 4, or 1 for maps that would leave most lanes without any; what the others would be is dead code
override PIXELS: u32 = 4u;
override HALF_WEIGHTS: bool = false; // weights are f16, two in a word
override TWO_LEVELS: bool = false; // sums of BLOCK source quads, then their sum: costs registers, loses far less

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
}

@group(0) @binding(0) var<uniform> u: Convolution;
// [slices][rows/8][taps][source quads][8 rows], 4 source channels of one row
@group(0) @binding(1) var<storage, read> weights: array<Rows>;
@group(0) @binding(2) var<storage, read> affine: array<Quad>;  // [quads][scale, shift]
// [slices][samples][source quads][source pixels]
@group(0) @binding(3) var<storage, read_write> source: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> operand: array<Quad>;     // like destination, or the gate's values in x
@group(0) @binding(5) var<storage, read_write> destination: array<Quad>; // [slices][samples][quads][pixels]

alias Rows = array<vec4u, 4>; // a run at one address becomes a wide scalar load: 4 rows in f32, 8 in f16

fn weight(tile: u32, row: u32) -> vec4f {
    var w: vec4f;
    if HALF_WEIGHTS {
        let pair = weights[tile][row / 2u];
        let words = select(pair.xy, pair.zw, row % 2u == 1u);
        w = vec4f(unpack2x16float(words.x), unpack2x16float(words.y));
    } else {
        w = bitcast<vec4f>(weights[2u * tile + row / 4u][row % 4u]);
    }
    return select(w, abs(w), ABSOLUTE_WEIGHT);
}

fn rows(t: ptr<function, Tile>, w: u32, b: array<vec4f, 4>) {
    (*t)[0] = row(weight(w, 0u), b, (*t)[0]); (*t)[1] = row(weight(w, 1u), b, (*t)[1]);
    (*t)[2] = row(weight(w, 2u), b, (*t)[2]); (*t)[3] = row(weight(w, 3u), b, (*t)[3]);
    (*t)[4] = row(weight(w, 4u), b, (*t)[4]); (*t)[5] = row(weight(w, 5u), b, (*t)[5]);
    (*t)[6] = row(weight(w, 6u), b, (*t)[6]); (*t)[7] = row(weight(w, 7u), b, (*t)[7]);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    if !gate_is_open() { return; }
    let is_sliced = u.slices > 1u;
    let slice = select(0u, group.z, is_sliced);
    let area = grid(select(group.z, 0u, is_sliced));
    let pixels = area.rows * area.columns;
    let first = (u.first_tile + group.x) * 64u * PIXELS + lane;
    let index = vec4u(first, first + 64u, first + 128u, first + 192u);
    let sample = index / vec4u(max(pixels, 1u));
    let pixel = index - sample * pixels;
    let y = pixel / max(area.columns, 1u);
    let x = pixel - y * area.columns;
    let inside = (sample < vec4u(u.samples)) & vec4<bool>(pixels > 0u) & (vec4u(0u, 1u, 2u, 3u) < vec4u(PIXELS));
    let spacing = i32(select(u.stride, 1u, u.transposed == 1u));
    let down = taps(area.row, u.padding_top);
    let across = taps(area.column, u.padding_left);
    let source_pixels = u.source_height * u.source_width;
    let source_base = (slice * u.samples + sample) * u.source_quads * source_pixels;
    let tap_stride = u.source_quads;
    let tile_stride = u.kernel_rows * u.kernel_columns * tap_stride;
    let weight_base = slice * u.weight_slice / 8u + group.y * ROW_TILES * tile_stride;

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
            for (var quad = 0u; quad < u.source_quads; quad++) {
                let b = array<vec4f, 4>(
                    part(select(vec4f(), source[at.x], valid.x), SOURCE_PART),
                    part(select(vec4f(), source[at.y], valid.y), SOURCE_PART),
                    part(select(vec4f(), source[at.z], valid.z), SOURCE_PART),
                    part(select(vec4f(), source[at.w], valid.w), SOURCE_PART),
                );
                rows(&t0, w, b);
                if ROW_TILES > 1u { rows(&t1, w + tile_stride, b); }
                at += source_pixels;
                w += 1u;
                if TWO_LEVELS && (quad % BLOCK == BLOCK - 1u || quad + 1u == u.source_quads) {
                    add(&s0, &t0);
                    t0 = Tile();
                    if ROW_TILES > 1u { add(&s1, &t1); t1 = Tile(); }
                }
            }
            offset_x += across.direction;
        }
        offset_y += down.direction;
    }

    let step = select(1u, u.stride, u.transposed == 1u);
    let quad = group.y * ROW_TILES * 2u;
    let plane = u.height * u.width;
    let at = ((slice * u.samples + sample) * u.quads + quad) * plane + (y * step + area.row) * u.width + x * step
        + area.column;
    if TWO_LEVELS { t0 = s0; t1 = s1; }
    store(quad, at, inside, &t0);
    if ROW_TILES > 1u { store(quad + 2u, at + 2u * plane, inside, &t1); }
    if u.epilogue == EPILOGUE_NONE { return; }
    // One loop over what this lane has just stored compiles much faster than an epilogue for every register.
    for (var i = 0u; i < min(ROW_TILES * 2u, u.quads - quad); i++) {
        for (var j = 0u; j < 4u; j++) {
            let index = at[j] + i * plane;
            if inside[j] && sample[j] < u.finished {
                destination[index] = pack(epilogue(unpack(destination[index]), affine_of(quad + i), index));
            }
        }
    }
}
