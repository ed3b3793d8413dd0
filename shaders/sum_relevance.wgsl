// Relevance of both summands of a + b by the ratio rule: a S and b S with S = div(c, (a + b) [c != 0]). Where two steps
// read y, the sum's or its activation's value, c comes from y (div(c, y) + div(d, y)); where there is an activation, it
// goes back through that by the ratio rule.

struct SumRelevance {
    count: u32,   // vec4 elements of one sample
    columns: u32, // workgroups along x
    high: f32,
    has_second: u32, // 1: two steps read y
    is_clamped: u32, // 1: y is the sum between 0 and `high`
    keeps_output: u32, // 1: the relevance of y is asked for
    keeps_input: u32,  // 1: the relevance at the activation's input is
}

@group(0) @binding(0) var<uniform> u: SumRelevance;
@group(0) @binding(1) var<storage, read_write> first: array<vec4f>;  // c, [samples][count]
@group(0) @binding(2) var<storage, read_write> second: array<vec4f>; // d
@group(0) @binding(3) var<storage, read_write> a: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> b: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> at_output: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> at_input: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> relevance_a: array<vec4f>;
@group(0) @binding(8) var<storage, read_write> relevance_b: array<vec4f>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let block = group.y * u.columns + group.x;
    let end = min((block + 1u) * RUN, u.count);
    for (var element = block * RUN + lane; element < end; element += LANES) {
        let index = group.z * u.count + element;
        let of_a = a[index];
        let of_b = b[index];
        let sum = of_a + of_b;
        let y = select(sum, clamp(sum, vec4f(), vec4f(u.high)), u.is_clamped == 1u);
        var c = first[index];
        if u.has_second == 1u { c = fan_out(c, second[index], y); }
        if u.keeps_output == 1u { at_output[index] = c; }
        if u.is_clamped == 1u { c = relevance_back(c, y); }
        if u.keeps_input == 1u { at_input[index] = c; }
        let s = ratio(c, sum);
        relevance_a[index] = of_a * s;
        relevance_b[index] = of_b * s;
    }
}
