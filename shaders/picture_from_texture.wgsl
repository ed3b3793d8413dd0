// A region of a texture as a network's picture: scaled by a triangle filter, which averages where the region shrinks,
// then normalised.

struct PictureFromTexture {
    height: u32,       // of the picture
    width: u32,
    first: u32,        // pixel at which the picture begins in the destination
    top: f32,          // of the region, in texels
    left: f32,
    row_step: f32,     // texels per pixel
    column_step: f32,
    is_linear: u32,    // whether loads give linear light, as from an sRGB format, instead of the encoded values
    is_bgr: u32,       // order of the network's channels
    mean_0: f32,       // of the network's channels, in units of 0 to 1
    mean_1: f32,
    mean_2: f32,
    deviation_0: f32,
    deviation_1: f32,
    deviation_2: f32,
}

@group(0) @binding(0) var<uniform> u: PictureFromTexture;
@group(0) @binding(1) var source: texture_2d<f32>;
@group(0) @binding(2) var<storage, read_write> destination: array<vec4f>;

fn encode(linear: vec3f) -> vec3f {
    let curve = 1.055 * pow(max(linear, vec3f(0.0031308)), vec3f(1.0 / 2.4)) - 0.055;
    return select(curve, 12.92 * linear, linear <= vec3f(0.0031308));
}

fn texel(row: i32, column: i32) -> vec3f {
    let last = vec2i(textureDimensions(source)) - 1;
    let color = textureLoad(source, clamp(vec2i(column, row), vec2i(0), last), 0).rgb;
    if u.is_linear == 1u { return encode(color); }
    return color;
}

// The weight of a texel at some distance, in texels, from a pixel's centre.
fn weight(distance: f32, radius: f32) -> f32 {
    return max(1.0 - abs(distance) / radius, 0.0);
}

fn filtered(row: u32, column: u32) -> vec3f {
    let center = vec2f(u.left + (f32(column) + 0.5) * u.column_step, u.top + (f32(row) + 0.5) * u.row_step);
    let radius = max(vec2f(u.column_step, u.row_step), vec2f(1.0));
    let size = vec2f(textureDimensions(source));
    let first = vec2i(max(floor(center - radius), vec2f(0.0)));
    let last = vec2i(min(ceil(center + radius), size)) - 1;
    var sum = vec3f();
    var total = 0.0;
    for (var y = first.y; y <= last.y; y++) {
        let of_row = weight(f32(y) + 0.5 - center.y, radius.y);
        for (var x = first.x; x <= last.x; x++) {
            let share = of_row * weight(f32(x) + 0.5 - center.x, radius.x);
            sum += share * texel(y, x);
            total += share;
        }
    }
    // Beside the texture its edge counts.
    if total <= 0.0 { return texel(i32(floor(center.y)), i32(floor(center.x))); }
    return sum / total;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let pixel = group.x * 64u + lane;
    if pixel >= u.height * u.width { return; }
    var color = filtered(pixel / u.width, pixel % u.width);
    if u.is_bgr == 1u { color = color.bgr; }
    let mean = vec3f(u.mean_0, u.mean_1, u.mean_2);
    let deviation = vec3f(u.deviation_0, u.deviation_1, u.deviation_2);
    destination[u.first + pixel] = vec4f((color - mean) / deviation, 0.0);
}
