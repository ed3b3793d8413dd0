// Taps of a depthwise convolution's channels, loaded where they are needed. The kernel declares u.kernel_rows,
// u.kernel_columns and weights.

// What a lane keeps of a quad's taps: where they begin, and the part of them that is taken.
struct Kept { base: i32, down: Taps, across: Taps, part: Part }

fn keep_taps(quad: u32, down: Taps, across: Taps, part: Part, lane: u32) -> Kept {
    return Kept(i32(quad * u.kernel_rows * u.kernel_columns), down, across, part);
}

// Row i of the taps: its first one, the way to the next, and how many there are; none beyond the rows that there are.
struct TapRow { first: i32, step: i32, count: i32, part: Part }

fn tap_row(kept: Kept, i: i32) -> TapRow {
    let first = kept.base + (kept.down.first + i * kept.down.step) * i32(u.kernel_columns) + kept.across.first;
    return TapRow(first, kept.across.step, select(0, kept.across.count, i >= 0 && i < kept.down.count), kept.part);
}

// Tap j of a row, or zeros beyond it.
fn tap(row: TapRow, j: i32) -> vec4f {
    let is_inside = j < row.count;
    return select(vec4f(), take(unpack(weights[select(0, row.first + j * row.step, is_inside)]), row.part), is_inside);
}
