// Packed weights that are loaded as Quads. The kernel declares `weights`.
override HALF_WEIGHTS: bool = false; // weights are f16, two in a word

// 4 weights: an element, or half of one where they are f16.
fn weight(at: u32) -> vec4f {
    if !HALF_WEIGHTS { return unpack(weights[at]); }
    let word = weights[at / 2u][at % 2u];
    return vec4f(unpack2x16float(u32(word)), unpack2x16float(u32(word >> 32u)));
}
