// Rows of a linear layer's weights. The kernel declares `weights`.
override HALF_WEIGHTS: bool = false; // weights are f16, two in a word

fn half(words: vec2u) -> vec4f { return vec4f(unpack2x16float(words.x), unpack2x16float(words.y)); }

// Four rows' weights of one quad of columns. Rows are `stride` vec4 apart, of f16 pairs of rows.
fn four_rows(at: u32, stride: u32) -> mat4x4f {
    let a = weights[at];
    let b = weights[at + stride];
    if HALF_WEIGHTS { return mat4x4f(half(a.xy), half(a.zw), half(b.xy), half(b.zw)); }
    let c = weights[at + 2u * stride];
    let d = weights[at + 3u * stride];
    return mat4x4f(bitcast<vec4f>(a), bitcast<vec4f>(b), bitcast<vec4f>(c), bitcast<vec4f>(d));
}
