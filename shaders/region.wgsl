// Copies a part of one value to a part of another: slices, pads, concatenation, and channels taken from groups in turn.

override MOVES_PIXELS: bool = true; // whether a pixel's rows and columns are others than its source's

struct Region {
    pixels: u32, // of the destination
    width: u32,
    source_pixels: u32,
    source_width: u32,
    source_quads: u32,
    quads: u32,      // of the destination
    first_quad: u32, // first quad of the destination that is written
    groups: u32,     // the part's channels are taken from so many groups in turn
    // whether channels before the part keep what they are; otherwise they become 0, as does all else around the part
    keep: u32,
    from_channel: u32, // where the part begins in the source
    from_channels: u32, // step from one channel of it to the next, a signed number
    channel: u32, // where it begins in the destination
    channels: u32, // step there
    channel_count: u32,
    from_row: u32,
    from_rows: u32,
    row: u32,
    rows: u32,
    row_count: u32,
    from_column: u32,
    from_columns: u32,
    column: u32,
    columns: u32,
    column_count: u32,
}

@group(0) @binding(0) var<uniform> u: Region;
@group(0) @binding(1) var<storage, read_write> source: array<vec4f>;      // [samples][source quads][source pixels]
@group(0) @binding(2) var<storage, read_write> destination: array<vec4f>; // [samples][quads][pixels]

// Which position of `count`, `step` apart from `first` on, stands at `place`; negative where none does.
fn position(place: u32, first: u32, step: u32, count: u32) -> i32 {
    let distance = i32(place) - i32(first);
    let index = distance / i32(step);
    return select(-1, index, index * i32(step) == distance && index >= 0 && index < i32(count));
}

// The source's pixel of a pixel; negative where none goes there.
fn origin(pixel: u32) -> i32 {
    if !MOVES_PIXELS { return i32(pixel); }
    let y = pixel / u.width;
    let row = position(y, u.row, u.rows, u.row_count);
    let column = position(pixel - y * u.width, u.column, u.columns, u.column_count);
    let from_row = i32(u.from_row) + row * i32(u.from_rows);
    let from_column = i32(u.from_column) + column * i32(u.from_columns);
    return select(-1, from_row * i32(u.source_width) + from_column, row >= 0 && column >= 0);
}

// What channel `channel` of the destination becomes, of which `old` is the value.
fn value(channel: u32, sample: u32, pixel: i32, old: f32) -> f32 {
    if channel < u.channel && u.keep != 0u { return old; }
    let place = position(channel, u.channel, u.channels, u.channel_count);
    if place < 0 || pixel < 0 { return 0.0; }
    let taken = i32(u32(place) % u.groups * (u.channel_count / u.groups) + u32(place) / u.groups);
    let from_channel = u32(i32(u.from_channel) + taken * i32(u.from_channels));
    return source[(sample * u.source_quads + from_channel / 4u) * u.source_pixels + u32(pixel)][from_channel % 4u];
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let quad = u.first_quad + group.y;
    let end = min((group.x + 1u) * RUN, u.pixels);
    for (var pixel = group.x * RUN + lane; pixel < end; pixel += LANES) {
        let index = (group.z * u.quads + quad) * u.pixels + pixel;
        let old = destination[index];
        let from_pixel = origin(pixel);
        destination[index] = vec4f(
            value(4u * quad, group.z, from_pixel, old.x),
            value(4u * quad + 1u, group.z, from_pixel, old.y),
            value(4u * quad + 2u, group.z, from_pixel, old.z),
            value(4u * quad + 3u, group.z, from_pixel, old.w),
        );
    }
}
