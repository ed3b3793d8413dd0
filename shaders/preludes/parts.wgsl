// A part of a value, chosen by a constant: what is not chosen is dead code.
const PART_FULL = 0u;
const PART_ABSOLUTE = 1u;
const PART_POSITIVE = 2u;
const PART_NEGATIVE = 3u;

fn part(v: vec4f, which: u32) -> vec4f {
    if which == PART_ABSOLUTE { return abs(v); }
    if which == PART_POSITIVE { return max(v, vec4f()); }
    if which == PART_NEGATIVE { return min(v, vec4f()); }
    return v;
}
