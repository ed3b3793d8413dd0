// Put before a kernel's own text: four channels of a pixel lie in memory as they are.
alias Quad = vec4f;
fn unpack(quad: Quad) -> vec4f { return quad; }
fn pack(values: vec4f) -> Quad { return values; }

// Two channels of a quad.
alias Half = vec2f;
fn unpack_half(half: Half) -> vec2f { return half; }
fn pack_half(values: vec2f) -> Half { return values; }

