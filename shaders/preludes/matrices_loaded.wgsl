// Taps of a grouped convolution, each a matrix that takes a quad of the source to one of the destination, loaded where
// they are needed. The kernel declares u.kernel_rows, u.kernel_columns, u.group_source_quads, and weights.

// Row i of the taps: its first matrix, the way to the next, how many there are, and the part of them that is taken.
struct TapRow { first: i32, step: i32, count: i32, part: Part }

fn tap_row(quad: u32, source_quad: u32, down: Taps, i: i32, across: Taps, part: Part, lane: u32) -> TapRow {
    let base = i32((quad * u.group_source_quads + source_quad) * u.kernel_rows * u.kernel_columns);
    return TapRow(base + (down.first + i * down.step) * i32(u.kernel_columns) + across.first, across.step, across.count,
        part);
}

// Tap j of a row, or zeros beyond it; a column of it is what one channel of the source is multiplied by.
fn tap(row: TapRow, j: i32) -> mat4x4f {
    if j >= row.count { return mat4x4f(); }
    let at = 4 * (row.first + j * row.step);
    return mat4x4f(
        take(unpack(weights[at]), row.part), take(unpack(weights[at + 1]), row.part),
        take(unpack(weights[at + 2]), row.part), take(unpack(weights[at + 3]), row.part),
    );
}
