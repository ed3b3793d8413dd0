// Where taps of a convolution of one stride, or of its transpose, meet the source. The kernel declares u.source_height,
// u.source_width, u.height, u.width, u.kernel_rows, u.kernel_columns, u.stride, u.padding_top, u.padding_left,
// u.transposed, and source.

// Along one dimension: tap `first + j * step`, j < count, meets source position `origin + index * spacing + j`.
struct Taps { first: i32, step: i32, count: i32, origin: i32 }

// A transpose goes through its taps backwards: source positions grow in both directions.
fn taps(offset: u32, padding: u32, size: u32) -> Taps {
    if u.transposed == 0u { return Taps(0, 1, i32(size), -i32(padding)); }
    let first = (offset + padding) % u.stride;
    let count = i32((size + u.stride - 1u - first) / u.stride);
    return Taps(i32(first) + (count - 1) * i32(u.stride), -i32(u.stride), count,
        i32((offset + padding - first) / u.stride) - count + 1);
}

// With stride s, a transposed convolution has s * s phases of destination pixels that use different taps: those of
// `rows` rows and `columns` columns, `step` apart, from one row and column on.
struct Phase { sample: u32, step: u32, spacing: i32, row: u32, column: u32, rows: u32, columns: u32, down: Taps,
    across: Taps }

fn phase_of(index: u32) -> Phase {
    let step = select(1u, u.stride, u.transposed == 1u);
    let row = index % (step * step) / step;
    let column = index % step;
    return Phase(
        index / (step * step), step, i32(select(u.stride, 1u, u.transposed == 1u)), row, column,
        (u.height + step - 1u - row) / step, (u.width + step - 1u - column) / step,
        taps(row, u.padding_top, u.kernel_rows), taps(column, u.padding_left, u.kernel_columns),
    );
}

// A line of the source: its first element, or nothing but zeros.
struct Line { base: u32, inside: bool }

fn line_of(plane: u32, y: i32, is_needed: bool) -> Line {
    let inside = is_needed && y >= 0 && y < i32(u.source_height);
    return Line(plane * u.source_height * u.source_width + select(0u, u32(y), inside) * u.source_width, inside);
}

fn load(line: Line, x: i32, part: Part, is_needed: bool) -> vec4f {
    let valid = is_needed && line.inside && x >= 0 && x < i32(u.source_width);
    return take(select(vec4f(), unpack(source[select(0u, line.base + u32(x), valid)]), valid), part);
}
