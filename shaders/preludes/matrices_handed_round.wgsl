// Taps of a grouped convolution, each a matrix that takes a quad of the source to one of the destination. Eight lanes
// of a subgroup keep up to 6 of a row and hand them round: three loads. The kernel declares u.kernel_rows,
// u.kernel_columns, u.group_source_quads, and weights.

// What lane k keeps of a row of matrices: column k of the first two, of the second two, and of the third two.
struct TapRow { a: vec4f, b: vec4f, c: vec4f }

fn keep_column(base: i32, across: Taps, part: Part, k: i32) -> vec4f {
    let is_inside = k / 4 < across.count;
    return select(vec4f(), take(unpack(weights[select(0, 4 * (base + k / 4 * across.step) + k % 4, is_inside)]), part),
        is_inside);
}

fn tap_row(quad: u32, source_quad: u32, down: Taps, i: i32, across: Taps, part: Part, lane: u32) -> TapRow {
    let first = i32((quad * u.group_source_quads + source_quad) * u.kernel_rows * u.kernel_columns);
    let base = first + (down.first + i * down.step) * i32(u.kernel_columns) + across.first;
    let k = i32(lane);
    return TapRow(keep_column(base, across, part, k), keep_column(base, across, part, k + 8),
        keep_column(base, across, part, k + 16));
}

// Tap j of a row, or zeros beyond it; a column of it is what one channel of the source is multiplied by.
fn tap(row: TapRow, j: i32) -> mat4x4f {
    let two = select(select(row.a, row.b, j > 1), row.c, j > 3);
    let first = u32(4 * (j % 2));
    return mat4x4f(
        subgroupShuffle(two, first), subgroupShuffle(two, first + 1u),
        subgroupShuffle(two, first + 2u), subgroupShuffle(two, first + 3u),
    );
}
