// factor(v, phi) for the input and for the masked gradient: per pixel Z = relu((Q^T Q + I)^-1 Q^T H), the map is Z+ -
// Z-.

override CHANNEL_LANES: u32 = 1u; // so many lanes share a pixel's channels

struct FactorMaps {
    pixels: u32,
    quads: u32,
    input_runs: u32, // partial maxima of a sample
    gradient_runs: u32,
}

@group(0) @binding(0) var<uniform> u: FactorMaps;
@group(0) @binding(1) var<storage, read_write> input: array<vec4f>;         // [samples][quads][pixels]
@group(0) @binding(2) var<storage, read_write> input_maximum: array<vec4f>; // [samples][runs], in x
// [samples][quads][negative, positive], 0 in padding
@group(0) @binding(3) var<storage, read_write> input_basis: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> gradient: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> gradient_maximum: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> gradient_basis: array<vec4f>;
// [samples][pixels]: input in x, gradient in y
@group(0) @binding(7) var<storage, read_write> destination: array<vec4f>;

// With Q = [n, p] and d = p - n: the products of Q and H that (Q^T Q + I)^-1 Q^T H needs. n and p differ little, so d
// is summed by itself: differences of the large products n n, n p and p p would lose four digits.
struct Products {
    gram: vec3f,     // n n, n d, d d
    response: vec2f, // n H, d H
}

fn extend(so_far: Products, negative: vec4f, positive: vec4f, value: vec4f, peak: f32) -> Products {
    let h = sigmoid10(select(value / divisor(peak), vec4f(), peak == 0.0));
    let difference = positive - negative;
    return Products(
        so_far.gram + vec3f(dot(negative, negative), dot(negative, difference), dot(difference, difference)),
        so_far.response + vec2f(dot(negative, h), dot(difference, h)),
    );
}

fn plus(a: Products, b: Products) -> Products { return Products(a.gram + b.gram, a.response + b.response); }

fn solve(s: Products) -> f32 {
    let nn = s.gram.x;
    let nd = s.gram.y;
    let dd = s.gram.z;
    let np = nn + nd;
    let determinant = 1.0 + nn + (np + nd + dd) + (nn * dd - nd * nd);
    let negative = (s.response.x * (1.0 + nd + dd) - np * s.response.y) / determinant;
    let positive = (s.response.x * (1.0 - nd) + (1.0 + nn) * s.response.y) / determinant;
    return max(positive, 0.0) - max(negative, 0.0);
}

const LARGEST = 3.4028234e38;
struct Both { of_input: Products, of_gradient: Products }
var<workgroup> gathered: array<Both, LANES>;

// Sums of the lanes with the same pixel.
fn gather(lane: u32, own: Both) -> Both {
    if CHANNEL_LANES == 1u { return own; }
    gathered[lane] = own;
    workgroupBarrier();
    for (var apart = LANES / 2u; apart >= LANES / CHANNEL_LANES; apart /= 2u) {
        if lane < apart {
            let other = gathered[lane + apart];
            gathered[lane] = Both(plus(gathered[lane].of_input, other.of_input),
                plus(gathered[lane].of_gradient, other.of_gradient));
        }
        workgroupBarrier();
    }
    return gathered[lane];
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let end = min((group.x + 1u) * RUN, u.pixels);
    var input_peak = -LARGEST;
    for (var i = 0u; i < u.input_runs; i++) {
        input_peak = max(input_peak, input_maximum[group.z * u.input_runs + i].x);
    }
    var gradient_peak = -LARGEST;
    for (var i = 0u; i < u.gradient_runs; i++) {
        gradient_peak = max(gradient_peak, gradient_maximum[group.z * u.gradient_runs + i].x);
    }
    let first_quad = lane / (LANES / CHANNEL_LANES);
    for (var first = group.x * RUN; first < end; first += LANES / CHANNEL_LANES) {
        let pixel = first + lane % (LANES / CHANNEL_LANES);
        var both: Both;
        for (var quad = first_quad; quad < u.quads && pixel < end; quad += CHANNEL_LANES) {
            let channel = group.z * u.quads + quad;
            let index = channel * u.pixels + pixel;
            let basis = channel * 2u;
            both.of_input =
                extend(both.of_input, input_basis[basis], input_basis[basis + 1u], input[index], input_peak);
            both.of_gradient =
                extend(both.of_gradient, gradient_basis[basis], gradient_basis[basis + 1u], gradient[index],
                    gradient_peak);
        }
        both = gather(lane, both);
        if first_quad == 0u && pixel < end {
            destination[group.z * u.pixels + pixel] = vec4f(solve(both.of_input), solve(both.of_gradient), 0.0, 0.0);
        }
    }
}
