// A map as colours: alone, or as heat on a photo of the target's size.

struct Paint {
    map_height: u32,
    map_width: u32,
    first: u32,       // where the map begins
    top: f32,         // where it lies in the target, in pixels of the target
    left: f32,
    height: f32,
    width: f32,
    limit: f32,       // the value that gets the end colour; 0: the largest of `ranges`
    range_count: u32,
    stops: u32,       // colours of the colour map
    sign: u32,        // see SIGN_*
    is_alone: u32,    // without the photo
    opacity: f32,     // of the end colours on the photo
    wipe: f32,        // columns left of this share of the target show the photo as it is
}

const SIGN_POSITIVE = 1u; // negative values count as 0
const SIGN_NEGATIVE = 2u; // positive values count as 0

const COLOR_KEPT = 0.15;  // of the photo under the heat; the rest is grey
const LIFT = 0.22;        // of the photo towards white
const UNSEEN = 0.6;       // brightness of what the network did not see

@group(0) @binding(0) var<uniform> u: Paint;
@group(0) @binding(1) var<storage, read> map: array<f32>;
@group(0) @binding(2) var<storage, read> ranges: array<f32>;
@group(0) @binding(3) var<storage, read> colors: array<vec4f>;
@group(0) @binding(4) var photo: texture_2d<f32>;
@group(0) @binding(5) var target_texture: texture_storage_2d<rgba8unorm, write>;

fn is_finite(value: f32) -> bool {
    return (bitcast<u32>(value) & 0x7f800000u) != 0x7f800000u;
}

fn limit() -> f32 {
    if u.limit > 0.0 { return u.limit; }
    var largest = 0.0;
    for (var index = 0u; index < u.range_count; index++) { largest = max(largest, ranges[index]); }
    return largest;
}

fn value_at(row: i32, column: i32) -> f32 {
    let last = vec2i(i32(u.map_height), i32(u.map_width)) - 1;
    let at = clamp(vec2i(row, column), vec2i(0), last);
    return map[u.first + u32(at.x) * u.map_width + u32(at.y)];
}

// The map between the centres of its pixels.
fn interpolated(position: vec2f) -> f32 {
    let last = vec2f(f32(u.map_height), f32(u.map_width)) - 1.0;
    // Rounding puts a position beside the pixel that it means: less than a thousandth of one is no distance.
    let at = clamp(round((position - 0.5) * 1024.0) * (1.0 / 1024.0), vec2f(0.0), last);
    let cell = vec2i(floor(at));
    let rest = at - floor(at);
    // Pixels without weight are not read, as 0 times infinity is NaN.
    var sum = (1.0 - rest.x) * (1.0 - rest.y) * value_at(cell.x, cell.y);
    if rest.y > 0.0 { sum += (1.0 - rest.x) * rest.y * value_at(cell.x, cell.y + 1); }
    if rest.x > 0.0 { sum += rest.x * (1.0 - rest.y) * value_at(cell.x + 1, cell.y); }
    if rest.x > 0.0 && rest.y > 0.0 { sum += rest.x * rest.y * value_at(cell.x + 1, cell.y + 1); }
    return sum;
}

// The colour at a position from -1 to 1.
fn color_of(position: f32) -> vec3f {
    let at = (position + 1.0) / 2.0 * f32(u.stops - 1u);
    let index = min(u32(at), u.stops - 2u);
    let low = colors[index].rgb;
    return low + (colors[index + 1u].rgb - low) * (at - f32(index));
}

fn muted(color: vec3f) -> vec3f {
    let grey = dot(color, vec3f(0.299, 0.587, 0.114));
    let calm = grey + (color - grey) * COLOR_KEPT;
    return calm + (1.0 - calm) * LIFT;
}

// Flat around 0, so that noise leaves the photo alone.
fn strength(position: f32) -> f32 {
    let rise = min(abs(position) / 0.7, 1.0);
    return rise * rise * (3.0 - 2.0 * rise);
}

fn painted(row: u32, column: u32, shown: vec3f) -> vec3f {
    let pixel = vec2f(f32(row), f32(column)) + 0.5;
    let position = (pixel - vec2f(u.top, u.left)) / vec2f(u.height, u.width);
    if any(position < vec2f(0.0)) || any(position > vec2f(1.0)) {
        return select(muted(shown) * UNSEEN, vec3f(), u.is_alone == 1u);
    }
    var value = interpolated(position * vec2f(f32(u.map_height), f32(u.map_width)));
    if !is_finite(value) { return vec3f(1.0, 0.0, 1.0); }
    if u.sign == SIGN_POSITIVE { value = max(value, 0.0); }
    if u.sign == SIGN_NEGATIVE { value = min(value, 0.0); }
    let heat = clamp(value / limit(), -1.0, 1.0);
    if u.is_alone == 1u { return color_of(heat); }
    let base = muted(shown);
    return base + (color_of(heat) - base) * u.opacity * strength(heat);
}

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let size = textureDimensions(target_texture);
    if id.x >= size.x || id.y >= size.y { return; }
    var color = textureLoad(photo, vec2i(id.xy), 0).rgb;
    if f32(id.x) >= u.wipe * f32(size.x) { color = painted(id.y, id.x, color); }
    textureStore(target_texture, vec2i(id.xy), vec4f(color, 1.0));
}
