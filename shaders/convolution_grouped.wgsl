// Convolution in groups of whole quads of channels, or its transpose. A lane owns PIXELS pixels of a row of one quad.
// Where neighbours read neighbours (stride 1, or a transpose) values slide along a row of the source: one load of a
// quad for up to 16 * PIXELS multiply-adds.

override PIXELS: u32 = 1u; // 1 or 4

struct Grouped {
    source_height: u32, source_width: u32,
    height: u32, width: u32, quads: u32, // of the destination
    kernel_rows: u32, kernel_columns: u32,
    stride: u32, padding_top: u32, padding_left: u32,
    transposed: u32,
    gate: u32,     // not 0: nothing to do unless one of so many values of `operand` is not zero
    epilogue: u32, finished: u32, // what happens to the sums of so many samples
    low: f32, high: f32,
    weight_part: u32,
    source_part: u32,
    source_quads: u32,
    group_quads: u32, group_source_quads: u32, // of a group, of the destination and of the source
}

@group(0) @binding(0) var<uniform> u: Grouped;
// [quads][source quads of a group][taps][4 source channels]
@group(0) @binding(1) var<storage, read> weights: array<Quad>;
@group(0) @binding(2) var<storage, read> affine: array<Quad>;  // [quads][scale, shift]
@group(0) @binding(3) var<storage, read_write> source: array<Quad>;      // [samples][source quads][source pixels]
@group(0) @binding(4) var<storage, read_write> operand: array<Quad>;    // like destination, or the gate's values in x
@group(0) @binding(5) var<storage, read_write> destination: array<Quad>; // [samples][quads][pixels]

alias Row = array<vec4f, 4>; // pixels

fn product(sum: vec4f, w: mat4x4f, b: vec4f) -> vec4f {
    return fma(w[3], vec4f(b.w), fma(w[2], vec4f(b.z), fma(w[1], vec4f(b.y), fma(w[0], vec4f(b.x), sum))));
}

fn add(sums: Row, w: mat4x4f, b0: vec4f, b1: vec4f, b2: vec4f, b3: vec4f) -> Row {
    var added = sums;
    added[0] = product(sums[0], w, b0);
    if PIXELS > 1u {
        added[1] = product(sums[1], w, b1);
        added[2] = product(sums[2], w, b2);
        added[3] = product(sums[3], w, b3);
    }
    return added;
}

// A row of taps, where pixels read neighbours.
fn add_sliding(sums: Row, row: TapRow, line: Line, x: i32, count: i32, part: Part) -> Row {
    var added = sums;
    var b0: vec4f;
    var b1 = load(line, x, part, true); var b2 = load(line, x + 1, part, true); var b3 = load(line, x + 2, part, true);
    for (var j = 0; j < count; j++) {
        b0 = b1; b1 = b2; b2 = b3; b3 = load(line, x + j + 3, part, true);
        added = add(added, tap(row, j), b0, b1, b2, b3);
    }
    return added;
}

// Where they read pixels `spacing` apart.
fn add_apart(sums: Row, row: TapRow, line: Line, x: i32, count: i32, part: Part, spacing: i32) -> Row {
    var added = sums;
    for (var j = 0; j < count; j++) {
        let b0 = load(line, x + j, part, true);
        let b1 = load(line, x + j + spacing, part, PIXELS > 1u);
        let b2 = load(line, x + j + 2 * spacing, part, PIXELS > 1u);
        let b3 = load(line, x + j + 3 * spacing, part, PIXELS > 1u);
        added = add(added, tap(row, j), b0, b1, b2, b3);
    }
    return added;
}

// Pixel k of a row. Selected, since software drivers keep an array with a variable index in memory.
fn pixel(row: Row, k: u32) -> vec4f {
    if PIXELS == 1u { return row[0]; }
    return select(select(row[0], row[1], k == 1u), select(row[2], row[3], k == 3u), k > 1u);
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let phase = phase_of(group.z);
    if phase.columns == 0u || !gate_is_open() { return; }
    let strips = (phase.columns + PIXELS - 1u) / PIXELS;
    let blocks = strips * phase.rows;
    let first_plane = phase.sample * u.source_quads + group.y / u.group_quads * u.group_source_quads;
    let count = phase.across.count;
    let of_weight = choose_part(u.weight_part);
    let of_source = choose_part(u.source_part);
    let channels = affine_of(group.y);
    let has_epilogue = u.epilogue != EPILOGUE_NONE && phase.sample < u.finished;
    let end = min((group.x + 1u) * RUN, blocks);
    // All lanes take all turns, since they may hand taps round; those past the end store nothing.
    for (var first = group.x * RUN; first < end; first += LANES) {
        let block = first + lane;
        let y = block / strips;
        let x = block % strips * PIXELS;
        let sx = i32(x) * phase.spacing + phase.across.origin;
        var sums: Row;
        for (var s = 0u; s < u.group_source_quads; s++) {
            var of_quad: Row;
            for (var i = 0; i < phase.down.count; i++) {
                let line = line_of(first_plane + s, i32(y) * phase.spacing + phase.down.origin + i, block < end);
                let row = tap_row(group.y, s, phase.down, i, phase.across, of_weight, lane);
                if PIXELS > 1u && phase.spacing == 1 {
                    of_quad = add_sliding(of_quad, row, line, sx, count, of_source);
                } else {
                    of_quad = add_apart(of_quad, row, line, sx, count, of_source, phase.spacing);
                }
            }
            // Sums in two levels, as in dense kernels: long sums let near-ties fall the wrong way.
            sums[0] += of_quad[0];
            if PIXELS > 1u { sums[1] += of_quad[1]; sums[2] += of_quad[2]; sums[3] += of_quad[3]; }
        }
        if block >= end { break; }
        let plane = phase.sample * u.quads + group.y;
        let begin = (plane * u.height + y * phase.step + phase.row) * u.width + x * phase.step + phase.column;
        // A loop of a length that the compiler does not know compiles much faster than every pixel by itself.
        for (var k = 0u; k < min(PIXELS, phase.columns - x); k++) {
            let index = begin + k * phase.step;
            var sum = pixel(sums, k);
            if has_epilogue { sum = epilogue(sum, channels, index); }
            destination[index] = pack(sum);
        }
    }
}
