// Put before a kernel's own text: four channels of a pixel lie in memory as two integers of 64 bits. A software driver
// branches for every lane of every load and store, and so has half as many. Elementwise kernels, whose lanes read
// neighbours, are faster with floats.
alias Quad = vec2<u64>;
fn unpack(quad: Quad) -> vec4f {
    return bitcast<vec4f>(vec4u(u32(quad.x), u32(quad.x >> 32u), u32(quad.y), u32(quad.y >> 32u)));
}
fn pack(values: vec4f) -> Quad {
    let bits = bitcast<vec4u>(values);
    return Quad(u64(bits.x) | (u64(bits.y) << 32u), u64(bits.z) | (u64(bits.w) << 32u));
}

// Two channels of a quad.
alias Half = u64;
fn unpack_half(half: Half) -> vec2f { return bitcast<vec2f>(vec2u(u32(half), u32(half >> 32u))); }
fn pack_half(values: vec2f) -> Half {
    let bits = bitcast<vec2u>(values);
    return u64(bits.x) | (u64(bits.y) << 32u);
}

