// Dense convolution or its transpose, or independent products of matrices, for graphics cards: a workgroup computes
// ROWS output channels x PIXELS pixels through workgroup memory. While its lanes multiply DEPTH source quads, they have
// the loads of the next ones under way. Bindings and weight layout are those of convolution_uniform.wgsl. What
// multiplies is preludes/workgroup_tile.wgsl, what loads preludes/workgroup_loads.wgsl.

struct Convolution {
    source_height: u32, source_width: u32, source_quads: u32,
    height: u32, width: u32, quads: u32, // of the destination
    kernel_rows: u32, kernel_columns: u32, stride: u32, padding_top: u32, padding_left: u32,
    transposed: u32, samples: u32,
    slices: u32,       // so many independent products, each with its own source and destination
    weight_slice: u32, // vec4 elements of one slice of weights; 0: all have the same
    first_tile: u32,   // pixel tiles before this dispatch
    gate: u32,         // not 0: nothing to do unless one of so many values of `operand` is not zero
    epilogue: u32, finished: u32, // what happens to the sums of so many samples
    low: f32, high: f32,
    // a bit for each slice; of the source: 0 full, 1 absolute, 2 positive, 3 negative
    absolute_weights: u32, source_part: u32,
    // so many sums over a part of taps and source quads each, one behind the other in the destination
    splits: u32,
    first_sample: u32, source_samples: u32, // samples of the source before this dispatch, and in all
}

@group(0) @binding(0) var<uniform> u: Convolution;
// [slices][rows/8][taps][source quads][8 rows], 4 source channels of one row
@group(0) @binding(1) var<storage, read> weights: array<vec4u>;
@group(0) @binding(2) var<storage, read> affine: array<Quad>;  // [quads][scale, shift]
// [slices][samples][source quads][source pixels]
@group(0) @binding(3) var<storage, read_write> source: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> operand: array<Quad>;     // like destination, or the gate's values in x
@group(0) @binding(5) var<storage, read_write> destination: array<vec4f>; // [splits][slices][samples][quads][pixels]

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    if u.gate > 0u {
        if lane == 0u { rows[0] = vec4f(f32(gate_is_open())); }
        if workgroupUniformLoad(&rows[0]).x == 0.0 { return; }
    }
    let split = group.z % u.splits;
    let part = group.z / u.splits;
    let slice = part % u.slices;
    let phase = part / u.slices;
    let vertical = axis(phase / u.stride, u.height, u.kernel_rows, u.padding_top);
    let horizontal = axis(phase % u.stride, u.width, u.kernel_columns, u.padding_left);

    let first_pixel = (u.first_tile + group.x) * PIXELS;
    let mine = pixel(first_pixel + lane % PIXELS, vertical.size, horizontal.size);
    let my_row = min(group.y * ROWS + lane % ROWS, u.quads * 4u - 1u);
    let my_quad = (slice * u.source_samples + u.first_sample + mine.sample) * u.source_quads + lane / PIXELS;
    let my_source = my_quad * u.source_height * u.source_width;
    let my_weights = slice * u.weight_slice + my_row / 8u * u.kernel_rows * u.kernel_columns * u.source_quads * 8u
        + my_row % 8u;
    let is_absolute = ((u.absolute_weights >> slice) & 1u) == 1u;
    let carried = Carried(mine, my_source, lane / PIXELS, my_weights, lane / ROWS, is_absolute);

    // Chunks of DEPTH source quads of one tap after the other, of all of which a split takes a range.
    let of_tap = (u.source_quads + DEPTH - 1u) / DEPTH;
    let total = vertical.count * horizontal.count * of_tap;
    let end = total * (split + 1u) / u.splits;
    var chunk = total * split / u.splits;
    var quad = chunk % of_tap * DEPTH;
    let columns = max(horizontal.count, 1u);
    var tap = vec2u(chunk / of_tap % columns, chunk / of_tap / columns);

    var t00: Four; var t01: Four; var t10: Four; var t11: Four;
    var s00: Four; var s01: Four; var s10: Four; var s11: Four;
    var half = 0u;
    var in_block = 0u;
    if chunk < end { keep(load(carried, vertical, horizontal, tap, quad), lane, half); }
    workgroupBarrier();
    for (; chunk < end; chunk++) {
        if chunk + 1u < end { // else the last chunk is loaded again, for nothing
            quad += DEPTH;
            if quad >= u.source_quads { quad = 0u; tap.x++; }
            if tap.x == columns { tap = vec2u(0u, tap.y + 1u); }
        }
        let next = load(carried, vertical, horizontal, tap, quad);
        let row = half * DEPTH * ROWS + lane / across() * 4u;
        let pixel = half * DEPTH * PIXELS + lane % across();
        for (var k = 0u; k < DEPTH; k++) {
            let near = four_pixels(pixel + k * PIXELS);
            multiply(&t00, row + k * ROWS, near);
            if ROW_QUADS > 1u { multiply(&t10, row + k * ROWS + ROWS / ROW_QUADS, near); }
            if PIXEL_QUADS > 1u {
                let far = four_pixels(pixel + k * PIXELS + 4u * across());
                multiply(&t01, row + k * ROWS, far);
                if ROW_QUADS > 1u { multiply(&t11, row + k * ROWS + ROWS / ROW_QUADS, far); }
            }
        }
        half = 1u - half;
        keep(next, lane, half);
        workgroupBarrier();
        if TWO_LEVELS {
            in_block += DEPTH;
            if in_block == BLOCK || chunk + 1u == end {
                in_block = 0u;
                add(&s00, &t00); add(&s01, &t01); add(&s10, &t10); add(&s11, &t11);
            }
        }
    }
    if TWO_LEVELS { t00 = s00; t01 = s01; t10 = s10; t11 = s11; }

    let first_quad = group.y * ROWS / 4u + lane / across();
    let block = split * u.slices + slice;
    let near = first_pixel + lane % across();
    store(vertical, horizontal, block, first_quad, near, &t00);
    if ROW_QUADS > 1u { store(vertical, horizontal, block, first_quad + ROWS / (4u * ROW_QUADS), near, &t10); }
    if PIXEL_QUADS > 1u { store(vertical, horizontal, block, first_quad, near + 4u * across(), &t01); }
    if PIXEL_QUADS > 1u && ROW_QUADS > 1u {
        store(vertical, horizontal, block, first_quad + ROWS / (4u * ROW_QUADS), near + 4u * across(), &t11);
    }
}

fn store(vertical: Axis, horizontal: Axis, block: u32, quad: u32, first: u32, t: ptr<function, Four>) {
    if quad >= u.quads { return; }
    let values = transpose(mat4x4f((*t)[0], (*t)[1], (*t)[2], (*t)[3]));
    put(vertical, horizontal, block, quad, first, values[0]);
    put(vertical, horizontal, block, quad, first + across(), values[1]);
    put(vertical, horizontal, block, quad, first + 2u * across(), values[2]);
    put(vertical, horizontal, block, quad, first + 3u * across(), values[3]);
}

fn put(vertical: Axis, horizontal: Axis, block: u32, quad: u32, index: u32, sum: vec4f) {
    let p = pixel(index, vertical.size, horizontal.size);
    if !p.exists { return; }
    let plane = (block * u.samples + p.sample) * u.quads + quad;
    let row = p.y * vertical.step + vertical.offset;
    let at = (plane * u.height + row) * u.width + p.x * horizontal.step + horizontal.offset;
    var value = sum;
    if u.epilogue != EPILOGUE_NONE && block * u.samples + p.sample < u.finished {
        value = epilogue(sum, affine_of(quad), at);
    }
    destination[at] = value;
}
