// Gaussian blur of pictures along rows or columns, cut off after `radius` pixels. Beyond the edge the edge's pixel
// counts.

struct Blur {
    height: u32,
    width: u32,
    vertical: u32,
    radius: u32,
    deviation: f32, // standard deviation in pixels
}

@group(0) @binding(0) var<uniform> u: Blur;
@group(0) @binding(1) var<storage, read_write> source: array<vec4f>;      // [pictures][height][width]
@group(0) @binding(2) var<storage, read_write> destination: array<vec4f>; // [pictures][height][width]

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let pixels = u.height * u.width;
    let pixel = group.x * 64u + lane;
    if pixel >= pixels { return; }
    let base = group.z * pixels;
    let row = pixel / u.width;
    let column = pixel % u.width;
    let here = select(column, row, u.vertical == 1u);
    let last = i32(select(u.width, u.height, u.vertical == 1u)) - 1;
    var sum = vec4f();
    var total = 0.0;
    for (var step = -i32(u.radius); step <= i32(u.radius); step++) {
        let there = u32(clamp(i32(here) + step, 0, last));
        let index = select(row * u.width + there, there * u.width + column, u.vertical == 1u);
        let distance = f32(step) / u.deviation;
        let weight = exp(-0.5 * distance * distance);
        sum += weight * source[base + index];
        total += weight;
    }
    destination[base + pixel] = sum / total;
}
