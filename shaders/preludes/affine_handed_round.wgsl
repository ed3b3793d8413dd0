// Scales and shifts of up to four quads of channels, which 8 lanes of a subgroup keep and hand round: one load for all
// of them. The kernel declares u.epilogue, u.quads and affine.
fn keep_affine(quad: u32, lane: u32) -> vec4f {
    if u.epilogue != EPILOGUE_AFFINE { return vec4f(); }
    return unpack(affine[min(2u * quad + lane, 2u * u.quads - 1u)]);
}

// Those of the i-th of the four quads.
fn affine_of_kept(kept: vec4f, i: u32) -> Affine {
    return Affine(subgroupShuffle(kept, 2u * i), subgroupShuffle(kept, 2u * i + 1u));
}
