// Transpose of a fully connected layer: a lane owns one quad of the layer's input and walks down the rows of the
// weight, or down a share of them: where the input is short, several lanes share a quad. A second product with another
// part of the same weights may go along, since reading the weights is what takes the time.

override LANES: u32 = 64u;
override ROW_LANES: u32 = 1u; // so many lanes share a quad's rows
override WEIGHT_PART: u32 = 0u;
override IS_PAIR: bool = false; // a second product
override SECOND_WEIGHT_PART: u32 = 0u;

struct LinearTranspose {
    source_quads: u32,      // of the layer's output
    destination_quads: u32, // quads * pixels of the layer's input
    first_quad: u32,        // first source quad of this range of weights
    range_quads: u32,       // source quads in this range
    accumulate: u32,        // 1: add to what earlier ranges gave
    first_group: u32,       // first workgroup of this dispatch
}

@group(0) @binding(0) var<uniform> u: LinearTranspose;
// [rows of the range][destination quads]; f16: [rows / 2][destination quads][2 rows]
@group(0) @binding(1) var<storage, read> weights: array<vec4u>;
@group(0) @binding(2) var<storage, read_write> source: array<vec4f>;      // [samples][source quads]
@group(0) @binding(3) var<storage, read_write> second_source: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> second_destination: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> destination: array<vec4f>; // [samples][destination quads]

fn add_rows(rows: mat4x4f, which: u32, v: vec4f, sum: vec4f) -> vec4f {
    var result = fma(part(rows[0], which), vec4f(v.x), sum);
    result = fma(part(rows[1], which), vec4f(v.y), result);
    result = fma(part(rows[2], which), vec4f(v.z), result);
    return fma(part(rows[3], which), vec4f(v.w), result);
}

var<workgroup> partial: array<vec4f, LANES>;
var<workgroup> second_partial: array<vec4f, LANES>;

// What lanes with the same quad have, added up by the first of them.
fn gather(lane: u32, sum: vec4f, second_sum: vec4f) -> mat2x4f {
    if ROW_LANES == 1u { return mat2x4f(sum, second_sum); }
    partial[lane] = sum;
    if IS_PAIR { second_partial[lane] = second_sum; }
    workgroupBarrier();
    for (var apart = LANES / 2u; apart >= LANES / ROW_LANES; apart /= 2u) {
        if lane < apart {
            partial[lane] += partial[lane + apart];
            if IS_PAIR { second_partial[lane] += second_partial[lane + apart]; }
        }
        workgroupBarrier();
    }
    return mat2x4f(partial[lane], second_partial[lane]);
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let columns = LANES / ROW_LANES;
    let column = (u.first_group + group.x) * columns + lane % columns;
    let first_quad = lane / columns;
    let source_base = group.z * u.source_quads + u.first_quad;
    let step = select(4u, 2u, HALF_WEIGHTS) * u.destination_quads;
    var sum = vec4f();
    var second_sum = vec4f();
    var w = column + first_quad * step;
    for (var quad = first_quad; quad < u.range_quads && column < u.destination_quads; quad += ROW_LANES) {
        let rows = four_rows(w, u.destination_quads);
        sum = add_rows(rows, WEIGHT_PART, source[source_base + quad], sum);
        if IS_PAIR { second_sum = add_rows(rows, SECOND_WEIGHT_PART, second_source[source_base + quad], second_sum); }
        w += ROW_LANES * step;
    }
    let sums = gather(lane, sum, second_sum);
    if first_quad > 0u || column >= u.destination_quads { return; }
    let index = group.z * u.destination_quads + column;
    sum = sums[0];
    if u.accumulate == 1u { sum += destination[index]; }
    destination[index] = sum;
    if !IS_PAIR { return; }
    second_sum = sums[1];
    if u.accumulate == 1u { second_sum += second_destination[index]; }
    second_destination[index] = second_sum;
}
