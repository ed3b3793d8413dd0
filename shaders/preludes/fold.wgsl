// What all lanes of a workgroup make of their values together. The kernel declares `combine`.
override LANES: u32 = 64u;
var<workgroup> partial: array<vec4f, LANES>;

// Lane 0 gets all lanes' values combined, in a fixed order, in two levels of 8: barriers are dear on software drivers.
fn fold(lane: u32, own: vec4f) -> vec4f {
    var value = own;
    partial[lane] = value;
    workgroupBarrier();
    if lane < 8u {
        for (var other = lane + 8u; other < LANES; other += 8u) { value = combine(value, partial[other]); }
        partial[lane] = value;
    }
    workgroupBarrier();
    if lane == 0u {
        for (var other = 1u; other < 8u; other++) { value = combine(value, partial[other]); }
    }
    return value;
}
