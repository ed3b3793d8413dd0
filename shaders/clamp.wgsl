// ReLU and ReLU6: value, gradient (b gates a), relevance by the ratio rule (b is the activation's output).

override OPERATION: u32 = CLAMP_VALUE;

struct Clamp {
    count: u32,   // vec4 elements of one sample
    columns: u32, // workgroups along x
    high: f32,
}

@group(0) @binding(0) var<uniform> u: Clamp;
@group(0) @binding(1) var<storage, read_write> a: array<vec4f>; // [samples][count]
@group(0) @binding(2) var<storage, read_write> b: array<vec4f>; // not read by CLAMP_VALUE
@group(0) @binding(3) var<storage, read_write> destination: array<vec4f>;

const CLAMP_VALUE = 0u;     // clamp a
const CLAMP_GRADIENT = 1u;  // gradient a through output b
const CLAMP_RELEVANCE = 2u; // relevance a through output b

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let block = group.y * u.columns + group.x;
    let end = min((block + 1u) * RUN, u.count);
    for (var element = block * RUN + lane; element < end; element += LANES) {
        let index = group.z * u.count + element;
        switch OPERATION {
            case CLAMP_GRADIENT: { destination[index] = select(vec4f(), a[index], is_open(b[index])); }
            case CLAMP_RELEVANCE: { destination[index] = relevance_back(a[index], b[index]); }
            default: { destination[index] = clamp(a[index], vec4f(), vec4f(u.high)); }
        }
    }
}
