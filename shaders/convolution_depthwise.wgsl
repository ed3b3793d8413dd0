// Depthwise convolution or its transpose: every channel has its own kernel. A lane owns PIXELS pixels of a row of one channel quad. Where
// neighbours read neighbours (stride 1, or a transpose), values slide along the row: one load of a value for PIXELS multiply-adds.

override PIXELS: u32 = 1u; // 1 or 4; 4 for adapters whose loads are dear (software drivers)

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
@group(0) @binding(2) var<storage, read> affine: array<vec4f>;  // [quads][scale, shift]
@group(0) @binding(3) var<storage, read_write> source: array<Quad>;      // [samples][quads][source pixels]
@group(0) @binding(4) var<storage, read_write> operand: array<vec4f>;    // like destination, or the gate's values in x
@group(0) @binding(5) var<storage, read_write> destination: array<Quad>; // [samples][quads][pixels]

// Along one dimension: tap `first + j * step`, j < count, meets source position `origin + index * spacing + j`.
struct Taps { first: i32, step: i32, count: i32, origin: i32 }

// A transpose goes through its taps backwards: source positions grow in both directions.
fn taps(offset: u32, padding: u32, size: u32) -> Taps {
    if u.transposed == 0u { return Taps(0, 1, i32(size), -i32(padding)); }
    let first = (offset + padding) % u.stride;
    let count = i32((size + u.stride - 1u - first) / u.stride);
    return Taps(i32(first) + (count - 1) * i32(u.stride), -i32(u.stride), count, i32((offset + padding - first) / u.stride) - count + 1);
}

// A line of the source: its first element, or nothing but zeros.
struct Line { base: u32, inside: bool }

fn load(line: Line, x: i32, part: Part) -> vec4f {
    let valid = line.inside && x >= 0 && x < i32(u.source_width);
    return take(select(vec4f(), unpack(source[select(0u, line.base + u32(x), valid)]), valid), part);
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    // With stride s, a transposed convolution has s * s phases of destination pixels that use different taps.
    let step = select(1u, u.stride, u.transposed == 1u);
    let phase = group.z % (step * step);
    let sample = group.z / (step * step);
    let row = phase / step;
    let column = phase % step;
    let columns = (u.width + step - 1u - column) / step;
    let rows = (u.height + step - 1u - row) / step;
    if columns == 0u || !gate_is_open() { return; }
    let strips = (columns + PIXELS - 1u) / PIXELS;
    let quad = group.y;
    let plane = (sample * u.quads + quad) * u.source_height * u.source_width;
    let spacing = i32(select(u.stride, 1u, u.transposed == 1u));
    let down = taps(row, u.padding_top, u.kernel_rows);
    let across = taps(column, u.padding_left, u.kernel_columns);
    let of_weight = choose_part(u.weight_part);
    let of_source = choose_part(u.source_part);
    let end = min((group.x + 1u) * RUN, strips * rows);
    for (var strip = group.x * RUN + lane; strip < end; strip += LANES) {
        let y = strip / strips;
        let x = strip % strips * PIXELS;
        let sx = i32(x) * spacing + across.origin;
        var sum: array<vec4f, 4>;
        var b0: vec4f; var b1: vec4f; var b2: vec4f; var b3: vec4f;
        for (var i = 0; i < down.count; i++) {
            let sy = i32(y) * spacing + down.origin + i;
            let is_inside = sy >= 0 && sy < i32(u.source_height);
            let line = Line(plane + select(0u, u32(sy), is_inside) * u.source_width, is_inside);
            let w = (quad * u.kernel_rows + u32(down.first + i * down.step)) * u.kernel_columns;
            if PIXELS > 1u && spacing == 1 {
                b1 = load(line, sx, of_source); b2 = load(line, sx + 1, of_source); b3 = load(line, sx + 2, of_source);
            }
            for (var j = 0; j < across.count; j++) {
                if PIXELS == 1u {
                    b0 = load(line, sx + j, of_source);
                } else if spacing == 1 {
                    b0 = b1; b1 = b2; b2 = b3; b3 = load(line, sx + j + 3, of_source);
                } else {
                    b0 = load(line, sx + j, of_source); b1 = load(line, sx + j + spacing, of_source);
                    b2 = load(line, sx + j + 2 * spacing, of_source); b3 = load(line, sx + j + 3 * spacing, of_source);
                }
                let weight = take(unpack(weights[w + u32(across.first + j * across.step)]), of_weight);
                sum[0] = fma(weight, b0, sum[0]);
                if PIXELS > 1u { sum[1] = fma(weight, b1, sum[1]); sum[2] = fma(weight, b2, sum[2]); sum[3] = fma(weight, b3, sum[3]); }
            }
        }
        let index = ((sample * u.quads + quad) * u.height + y * step + row) * u.width + x * step + column;
        let has_epilogue = u.epilogue != EPILOGUE_NONE && sample < u.finished;
        if PIXELS == 1u {
            if has_epilogue { sum[0] = epilogue(sum[0], quad, index); }
            destination[index] = pack(sum[0]);
            continue;
        }
        destination[index] = pack(sum[0]);
        if x + 1u < columns { destination[index + step] = pack(sum[1]); }
        if x + 2u < columns { destination[index + 2u * step] = pack(sum[2]); }
        if x + 3u < columns { destination[index + 3u * step] = pack(sum[3]); }
        if !has_epilogue { continue; }
        // A loop of a length that the compiler does not know compiles much faster than an epilogue for every pixel.
        for (var i = index; i < index + min(PIXELS, columns - x) * step; i += step) { destination[i] = pack(epilogue(unpack(destination[i]), quad, i)); }
    }
}
