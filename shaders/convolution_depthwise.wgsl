// Depthwise convolution or its transpose: every channel has its own kernel. A lane owns PIXELS pixels of each of ROWS
// rows of one channel quad. A row of the source is loaded once for all of them, and where neighbours read neighbours
// (stride 1, or a transpose) values slide along it: one load of a value for up to PIXELS * ROWS multiply-adds.

override PIXELS: u32 = 1u; // 1 or 4
override ROWS: u32 = 1u;   // 1 or 2

struct Depthwise {
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
}

@group(0) @binding(0) var<uniform> u: Depthwise;
@group(0) @binding(1) var<storage, read> weights: array<Quad>; // [quads][taps]
@group(0) @binding(2) var<storage, read> affine: array<Quad>;  // [quads][scale, shift]
@group(0) @binding(3) var<storage, read_write> source: array<Quad>;      // [samples][quads][source pixels]
@group(0) @binding(4) var<storage, read_write> operand: array<Quad>;    // like destination, or the gate's values in x
@group(0) @binding(5) var<storage, read_write> destination: array<Quad>; // [samples][quads][pixels]

alias Row = array<vec4f, 4>; // pixels

struct Block { upper: Row, lower: Row }

fn add_row(sums: Row, w: vec4f, b0: vec4f, b1: vec4f, b2: vec4f, b3: vec4f) -> Row {
    return Row(fma(w, b0, sums[0]), fma(w, b1, sums[1]), fma(w, b2, sums[2]), fma(w, b3, sums[3]));
}

// A tap of the upper row and one of the lower row, times pixels of one row of the source.
fn add(sums: Block, upper: vec4f, lower: vec4f, b0: vec4f, b1: vec4f, b2: vec4f, b3: vec4f) -> Block {
    var added = sums;
    added.upper = add_row(sums.upper, upper, b0, b1, b2, b3);
    if ROWS > 1u { added.lower = add_row(sums.lower, lower, b0, b1, b2, b3); }
    return added;
}

// A row of taps of both rows, where pixels read neighbours. Three taps a turn: what is kept from one turn to the next
// costs software drivers as much as a product.
fn add_sliding(sums: Block, upper: TapRow, lower: TapRow, line: Line, x: i32, count: i32, part: Part) -> Block {
    var added = sums;
    var b0 = load(line, x, part, true); var b1 = load(line, x + 1, part, true); var b2 = load(line, x + 2, part, true);
    for (var j = 0; j < count; j += 3) {
        let b3 = load(line, x + j + 3, part, true);
        let b4 = load(line, x + j + 4, part, j + 1 < count);
        let b5 = load(line, x + j + 5, part, j + 2 < count);
        added = add(added, tap(upper, j), tap(lower, j), b0, b1, b2, b3);
        added = add(added, tap(upper, j + 1), tap(lower, j + 1), b1, b2, b3, b4);
        added = add(added, tap(upper, j + 2), tap(lower, j + 2), b2, b3, b4, b5);
        b0 = b3; b1 = b4; b2 = b5;
    }
    return added;
}

// Where they read pixels `spacing` apart.
fn add_apart(
    sums: Block, upper: TapRow, lower: TapRow, line: Line, x: i32, count: i32, part: Part, spacing: i32,
) -> Block {
    var added = sums;
    for (var j = 0; j < count; j++) {
        let b0 = load(line, x + j, part, true);
        let b1 = load(line, x + j + spacing, part, PIXELS > 1u);
        let b2 = load(line, x + j + 2 * spacing, part, PIXELS > 1u);
        let b3 = load(line, x + j + 3 * spacing, part, PIXELS > 1u);
        added = add(added, tap(upper, j), tap(lower, j), b0, b1, b2, b3);
    }
    return added;
}

// Pixel k of a block. Selected, since software drivers keep an array with a variable index in memory.
fn pixel(sums: Block, k: u32) -> vec4f {
    var row = sums.upper;
    if ROWS > 1u && k >= PIXELS { row = sums.lower; }
    if PIXELS == 1u { return row[0]; }
    return select(select(row[0], row[1], k % 4u == 1u), select(row[2], row[3], k % 4u == 3u), k % 4u > 1u);
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let phase = phase_of(group.z);
    if phase.columns == 0u || !gate_is_open() { return; }
    let strips = (phase.columns + PIXELS - 1u) / PIXELS;
    let blocks = strips * ((phase.rows + ROWS - 1u) / ROWS);
    let plane = phase.sample * u.quads + group.y;
    let count = phase.across.count;
    let of_source = choose_part(u.source_part);
    let kept = keep_taps(group.y, phase.down, phase.across, choose_part(u.weight_part), lane);
    let channels = affine_of(group.y);
    let has_epilogue = u.epilogue != EPILOGUE_NONE && phase.sample < u.finished;
    let end = min((group.x + 1u) * RUN, blocks);
    // All lanes take all turns, since they may hand taps round; those past the end store nothing.
    for (var first = group.x * RUN; first < end; first += LANES) {
        let block = first + lane;
        let y = block / strips * ROWS;
        let x = block % strips * PIXELS;
        let sx = i32(x) * phase.spacing + phase.across.origin;
        var sums: Block;
        for (var i = 0; i < phase.down.count + i32(ROWS - 1u) * phase.spacing; i++) {
            let line = line_of(plane, i32(y) * phase.spacing + phase.down.origin + i, block < end);
            let upper = tap_row(kept, i);
            let lower = tap_row(kept, i - phase.spacing);
            if PIXELS > 1u && phase.spacing == 1 {
                sums = add_sliding(sums, upper, lower, line, sx, count, of_source);
            } else {
                sums = add_apart(sums, upper, lower, line, sx, count, of_source, phase.spacing);
            }
        }
        if block >= end { break; }
        let corner = (plane * u.height + y * phase.step + phase.row) * u.width + x * phase.step + phase.column;
        // A loop of a length that the compiler does not know compiles much faster than every pixel by itself.
        for (var k = 0u; k < PIXELS * min(ROWS, phase.rows - y); k++) {
            if x + k % PIXELS >= phase.columns { continue; }
            let index = corner + (k / PIXELS * u.width + k % PIXELS) * phase.step;
            var sum = pixel(sums, k);
            if has_epilogue { sum = epilogue(sum, channels, index); }
            destination[index] = pack(sum);
        }
    }
}
