// Up to 5 rows of up to 6 taps of a depthwise convolution's channels, which 8 lanes of a subgroup keep and hand round:
// one load for a row. The kernel declares u.kernel_rows, u.kernel_columns and weights.

// What lane j keeps of a quad's taps: the j-th of each row, and zeros beyond.
struct Kept { a: vec4f, b: vec4f, c: vec4f, d: vec4f, e: vec4f }

fn keep_tap(quad: u32, down: Taps, i: i32, across: Taps, part: Part, j: i32) -> vec4f {
    let is_inside = i < down.count && j < across.count;
    let at = (down.first + i * down.step) * i32(u.kernel_columns) + across.first + j * across.step;
    let index = quad * u.kernel_rows * u.kernel_columns + u32(select(0, at, is_inside));
    return select(vec4f(), take(unpack(weights[index]), part), is_inside);
}

fn keep_taps(quad: u32, down: Taps, across: Taps, part: Part, lane: u32) -> Kept {
    let j = i32(lane);
    return Kept(
        keep_tap(quad, down, 0, across, part, j),
        keep_tap(quad, down, 1, across, part, j),
        keep_tap(quad, down, 2, across, part, j),
        keep_tap(quad, down, 3, across, part, j),
        keep_tap(quad, down, 4, across, part, j),
    );
}

// Row i of the taps, or zeros beyond the rows that there are.
alias TapRow = vec4f;

fn tap_row(kept: Kept, i: i32) -> TapRow {
    let first = select(select(vec4f(), kept.a, i == 0), kept.b, i == 1);
    return select(select(select(first, kept.c, i == 2), kept.d, i == 3), kept.e, i == 4);
}

// Tap j of a row, or zeros beyond it.
fn tap(row: TapRow, j: i32) -> vec4f { return subgroupShuffle(row, u32(j)); }
