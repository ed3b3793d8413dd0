// The residual of a full convolution: R = ( div(F_x + M, 1 + exp(-C)) + F_dx + A ) where C is not zero, and its sum.
// One workgroup goes through one contiguous run of vec4 elements, which it adds up as reduce.wgsl does.

struct Residual {
    pixels: u32,
    count: u32, // vec4 elements of one sample
    run: u32,   // of them, those of one workgroup
    runs: u32,  // workgroups of one sample
    factor_x: u32, // 1: the term is used; likewise below
    saliency: u32,
    normalized: u32, // M is divided by its maximum
    regularized: u32,
    factor_dx: u32,
    agnostic: u32,
    maximum_runs: u32, // partial maxima of a sample
}

@group(0) @binding(0) var<uniform> u: Residual;
@group(0) @binding(1) var<storage, read_write> relevance: array<vec4f>; // C, [samples][quads][pixels]
@group(0) @binding(2) var<storage, read_write> agnostic: array<vec4f>;  // A, [samples][quads][pixels]
@group(0) @binding(3) var<storage, read_write> maps: array<vec4f>;      // [samples][pixels], M in y
@group(0) @binding(4) var<storage, read_write> maximum: array<vec4f>;   // [samples][runs], max M in x
@group(0) @binding(5) var<storage, read_write> factors: array<vec4f>;   // [samples][pixels], F_x in x, F_dx in y
@group(0) @binding(6) var<storage, read_write> sum: array<vec4f>;       // [samples][runs], in x
@group(0) @binding(7) var<storage, read_write> destination: array<vec4f>; // [samples][quads][pixels]

const BLOCK = 16u;

fn combine(a: vec4f, b: vec4f) -> vec4f { return a + b; }

fn residual(sample: u32, element: u32, peak: f32) -> vec4f {
    let index = sample * u.count + element;
    let at = sample * u.pixels + element % u.pixels;
    let factor = max(factors[at].xy, vec2f());
    var m = maps[at].y;
    if u.normalized == 1u { m = select(m / divisor(peak), 0.0, peak == 0.0); }
    var saliency = 0.0;
    if u.factor_x == 1u { saliency += factor.x; }
    if u.saliency == 1u { saliency += m; }

    let c = relevance[index];
    var r = vec4f(saliency);
    if u.regularized == 1u { r /= 1.0 + exp(clamp(-c, vec4f(-80.0), vec4f(80.0))); }
    if u.factor_dx == 1u { r += factor.y; }
    if u.agnostic == 1u { r += agnostic[index]; }
    return select(r, vec4f(), c == vec4f());
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    var peak = 0.0; // M is nowhere negative
    for (var i = 0u; i < u.maximum_runs; i++) { peak = max(peak, maximum[group.z * u.maximum_runs + i].x); }
    let end = min((group.x + 1u) * u.run, u.count);
    var value = vec4f();
    for (var first = group.x * u.run; first < end; first += BLOCK * LANES) {
        let last = min(first + BLOCK * LANES, end);
        var block = vec4f();
        for (var element = first + lane; element < last; element += LANES) {
            let r = residual(group.z, element, peak);
            destination[group.z * u.count + element] = r;
            block += r;
        }
        value += block;
    }
    value = fold(lane, value);
    if lane != 0u { return; }
    let pair = value.xy + value.zw;
    sum[group.z * u.runs + group.x] = vec4f(pair.x + pair.y, 0.0, 0.0, 0.0);
}
