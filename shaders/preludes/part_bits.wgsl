// A part of a value, chosen by a uniform: bits to keep (for absolute values all but the sign) and bounds.
const PART_ABSOLUTE = 1u;
const PART_POSITIVE = 2u;
const PART_NEGATIVE = 3u;
const LARGEST = 3.4028234e38;

struct Part { mask: u32, low: f32, high: f32 }

fn choose_part(which: u32) -> Part {
    return Part(
        select(~0u, 0x7fffffffu, which == PART_ABSOLUTE),
        select(-LARGEST, 0.0, which == PART_POSITIVE),
        select(LARGEST, 0.0, which == PART_NEGATIVE),
    );
}

fn keep(v: vec4f, mask: u32) -> vec4f { return bitcast<vec4f>(bitcast<vec4u>(v) & vec4u(mask)); }

fn take(v: vec4f, p: Part) -> vec4f { return clamp(keep(v, p.mask), vec4f(p.low), vec4f(p.high)); }
