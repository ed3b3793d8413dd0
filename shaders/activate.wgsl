// Activations that do not clamp from 0 on, and gradients through them. Channels that do not exist stay zeros.

override FUNCTION: u32 = FUNCTION_LEAKY_RELU;
override GRADIENT: u32 = 0u; // 0 f(x), 1 g * f'(x)

struct Activate {
    pixels: u32,
    quads: u32,
    channels: u32,
    first: f32, // the function's numbers
    second: f32,
}

@group(0) @binding(0) var<uniform> u: Activate;
@group(0) @binding(1) var<storage, read_write> source: array<vec4f>;   // x; [samples][quads][pixels]
@group(0) @binding(2) var<storage, read_write> gradient: array<vec4f>; // g, not read without GRADIENT
@group(0) @binding(3) var<storage, read_write> destination: array<vec4f>;

const FUNCTION_LEAKY_RELU = 0u;
const FUNCTION_ELU = 1u;
const FUNCTION_SELU = 2u;
const FUNCTION_SILU = 3u;
const FUNCTION_HARD_SWISH = 4u;
const FUNCTION_SIGMOID = 5u;
const FUNCTION_HARD_SIGMOID = 6u;
const FUNCTION_TANH = 7u;
const FUNCTION_GELU = 8u;
const FUNCTION_GELU_TANH = 9u;
const FUNCTION_MISH = 10u;
const FUNCTION_SOFTPLUS = 11u;
const FUNCTION_CLIP = 12u;
const FUNCTION_CELU = 13u;
const FUNCTION_ERF = 14u;

// Results are right in relation to themselves, near zero and far from it too: values of a layer may all be small.

fn sigmoid(x: vec4f) -> vec4f { return 1.0 / (1.0 + exp(-clamp(x, vec4f(-80.0), vec4f(80.0)))); }

fn sigmoid_slope(x: vec4f) -> vec4f { return sigmoid(x) * sigmoid(-x); }

// log(1 + x) of an x that is not negative.
fn logarithm_above_one(x: vec4f) -> vec4f {
    let series = x * (1.0 - x * (0.5 - x * (0.33333333 - x * (0.25 - x * (0.2 - x * 0.16666667)))));
    return select(log(1.0 + x), series, x < vec4f(0.1));
}

fn softplus(x: vec4f) -> vec4f { return max(x, vec4f()) + logarithm_above_one(exp(-abs(x))); }

// Some compilers make infinity by infinity of a large argument.
fn hyperbolic_tangent(x: vec4f) -> vec4f {
    let square = x * x;
    let far = 0.13333333 - square * (0.053968254 - square * 0.02186949);
    let series = x * (1.0 - square * (0.33333333 - square * far));
    return select(tanh(clamp(x, vec4f(-15.0), vec4f(15.0))), series, abs(x) < vec4f(0.25));
}

// (e^x)(e^x + 2), of which n / (n + 2) is tanh(log(1 + e^x)).
fn mish_ratio(x: vec4f) -> vec4f { let power = exp(min(x, vec4f(20.0))); return power * (power + 2.0); }

// (1 + erf(x / sqrt(2))) / 2, by a Chebyshev fit of erfc (Numerical Recipes, section 6.2).
fn normal(x: vec4f) -> vec4f {
    let z = abs(x) * 0.70710678;
    let t = 1.0 / (1.0 + 0.5 * z);
    let far = t * (-1.13520398 + t * (1.48851587 + t * (-0.82215223 + t * 0.17087277)));
    let near = 1.00002368 + t * (0.37409196 + t * (0.09678418 + t * (-0.18628806 + t * (0.27886807 + far))));
    let tail = 0.5 * t * exp(t * near - 1.26551223 - min(z * z, vec4f(80.0)));
    return select(tail, 1.0 - tail, x > vec4f());
}

fn error_function(x: vec4f) -> vec4f {
    let square = x * x;
    let far = 0.1 - square * (0.023809524 - square * (0.0046296296 - square * 0.00075757576));
    let series = 1.12837917 * x * (1.0 - square * (0.33333333 - square * far));
    return select(2.0 * normal(1.41421356 * x) - 1.0, series, abs(x) < vec4f(0.5));
}

fn inner(x: vec4f) -> vec4f { return 0.79788456 * (x + 0.044715 * x * x * x); }

fn elu(x: vec4f, alpha: f32) -> vec4f {
    let series = x * (1.0 + x * (0.5 + x * (0.16666667 + x * (0.041666667 + x * (0.0083333333 + x * 0.0013888889)))));
    let below = select(exp(min(x, vec4f())) - 1.0, series, x > vec4f(-0.25));
    return select(alpha * below, x, x > vec4f());
}

fn elu_slope(x: vec4f, alpha: f32) -> vec4f { return select(alpha * exp(min(x, vec4f())), vec4f(1.0), x > vec4f()); }

fn within(x: vec4f, low: f32, high: f32) -> vec4f {
    return select(vec4f(), vec4f(1.0), (x > vec4f(low)) & (x < vec4f(high)));
}

fn value(x: vec4f) -> vec4f {
    switch FUNCTION {
        case FUNCTION_LEAKY_RELU: { return select(u.first * x, x, x > vec4f()); }
        case FUNCTION_ELU: { return elu(x, u.first); }
        case FUNCTION_SELU: { return u.second * elu(x, u.first); }
        case FUNCTION_SILU: { return x * sigmoid(x); }
        case FUNCTION_HARD_SWISH: { return x * clamp(x + 3.0, vec4f(), vec4f(6.0)) / 6.0; }
        case FUNCTION_SIGMOID: { return sigmoid(x); }
        case FUNCTION_HARD_SIGMOID: { return clamp(u.first * x + u.second, vec4f(), vec4f(1.0)); }
        case FUNCTION_TANH: { return hyperbolic_tangent(x); }
        case FUNCTION_GELU: { return x * normal(x); }
        case FUNCTION_GELU_TANH: { return x * sigmoid(2.0 * inner(x)); }
        case FUNCTION_MISH: { let n = mish_ratio(x); return x * (n / (n + 2.0)); }
        case FUNCTION_SOFTPLUS: { return softplus(x); }
        case FUNCTION_CELU: { return u.first * elu(x / u.first, 1.0); }
        case FUNCTION_ERF: { return error_function(x); }
        default: { return clamp(x, vec4f(u.first), vec4f(u.second)); }
    }
}

fn slope(x: vec4f) -> vec4f {
    switch FUNCTION {
        case FUNCTION_LEAKY_RELU: { return select(vec4f(u.first), vec4f(1.0), x > vec4f()); }
        case FUNCTION_ELU: { return elu_slope(x, u.first); }
        case FUNCTION_SELU: { return u.second * elu_slope(x, u.first); }
        case FUNCTION_SILU: { let s = sigmoid(x); return s * (1.0 + x * (1.0 - s)); }
        case FUNCTION_HARD_SWISH: {
            return select(within(x, -3.0, 3.0) * (2.0 * x + 3.0) / 6.0, vec4f(1.0), x >= vec4f(3.0));
        }
        case FUNCTION_SIGMOID: { return sigmoid_slope(x); }
        case FUNCTION_HARD_SIGMOID: { return u.first * within(u.first * x + u.second, 0.0, 1.0); }
        case FUNCTION_TANH: { return 4.0 * sigmoid_slope(2.0 * x); }
        case FUNCTION_GELU: { return normal(x) + x * 0.39894228 * exp(-0.5 * min(x * x, vec4f(160.0))); }
        case FUNCTION_GELU_TANH: {
            let y = 2.0 * inner(x);
            return sigmoid(y) + 2.0 * x * sigmoid_slope(y) * 0.79788456 * (1.0 + 0.134145 * x * x);
        }
        case FUNCTION_MISH: {
            let n = mish_ratio(x);
            return n / (n + 2.0) + x * (4.0 * (n + 1.0) / ((n + 2.0) * (n + 2.0))) * sigmoid(x);
        }
        case FUNCTION_SOFTPLUS: { return sigmoid(x); }
        case FUNCTION_CELU: { return elu_slope(x / u.first, 1.0); }
        case FUNCTION_ERF: { return 1.12837917 * exp(-min(x * x, vec4f(80.0))); }
        default: { return within(x, u.first, u.second); }
    }
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let exists = vec4u(4u * group.y) + vec4u(0u, 1u, 2u, 3u) < vec4u(u.channels);
    let end = min((group.x + 1u) * RUN, u.pixels);
    for (var pixel = group.x * RUN + lane; pixel < end; pixel += LANES) {
        let index = (group.z * u.quads + group.y) * u.pixels + pixel;
        let x = source[index];
        var result: vec4f;
        if GRADIENT == 0u { result = value(x); } else { result = gradient[index] * slope(x); }
        destination[index] = select(vec4f(), result, exists);
    }
}
