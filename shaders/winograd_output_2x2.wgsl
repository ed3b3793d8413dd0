// Winograd F(2x2, 3x3), last step: the 16 products m of each patch become A^T m A, 2x2 pixels of the convolution's
// result, and go through the epilogue of a convolution. A lane makes one quad of one patch.

struct Pair { a: vec4f, b: vec4f }

fn transform(m0: vec4f, m1: vec4f, m2: vec4f, m3: vec4f) -> Pair { return Pair(m0 + m1 + m2, m1 - m2 - m3); }

fn load(index: u32) -> vec4f { return unpack(source[index]); }

fn load_row(index: u32) -> Pair {
    let stride = u.quads * u.tiles;
    return transform(load(index), load(index + stride), load(index + 2u * stride), load(index + 3u * stride));
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let end = min((group.x + 1u) * RUN, u.tiles);
    let channels = affine_of(group.y);
    for (var tile = group.x * RUN + lane; tile < end; tile += LANES) {
        let index = group.y * u.tiles + tile;
        let row_stride = 4u * u.quads * u.tiles;
        let r0 = load_row(index);
        let r1 = load_row(index + row_stride);
        let r2 = load_row(index + 2u * row_stride);
        let r3 = load_row(index + 3u * row_stride);
        let left = transform(r0.a, r1.a, r2.a, r3.a);
        let right = transform(r0.b, r1.b, r2.b, r3.b);

        let number = u.first_tile + tile;
        let of_sample = u.tile_rows * u.tile_columns;
        let sample = number / of_sample;
        let y = number % of_sample / u.tile_columns * 2u;
        let x = number % of_sample % u.tile_columns * 2u;
        let base = (sample * u.quads + group.y) * u.height * u.width;
        let has_epilogue = u.epilogue != EPILOGUE_NONE && sample < u.finished;
        store(base, has_epilogue, channels, y, x, left.a);
        store(base, has_epilogue, channels, y, x + 1u, right.a);
        store(base, has_epilogue, channels, y + 1u, x, left.b);
        store(base, has_epilogue, channels, y + 1u, x + 1u, right.b);
    }
}

fn store(base: u32, has_epilogue: bool, channels: Affine, y: u32, x: u32, sum: vec4f) {
    if y >= u.height || x >= u.width { return; }
    let at = base + y * u.width + x;
    var result = sum;
    if has_epilogue { result = epilogue(sum, channels, at); }
    destination[at] = pack(result);
}
