// What happens to a convolution's sum before it stays stored. The kernel declares u.epilogue, u.low, u.high, affine and
// operand.
const EPILOGUE_NONE = 0u;
const EPILOGUE_AFFINE = 1u;         // clamp(sum * scale + shift)
const EPILOGUE_RATIO = 2u;          // div(operand, sum [operand != 0])
const EPILOGUE_TIMES_ABSOLUTE = 3u; // sum * |operand|

// Scale and shift of a quad of channels.
struct Affine { scale: vec4f, shift: vec4f }

fn affine_of(quad: u32) -> Affine {
    if u.epilogue != EPILOGUE_AFFINE { return Affine(); }
    return Affine(unpack(affine[2u * quad]), unpack(affine[2u * quad + 1u]));
}

fn epilogue(sum: vec4f, channels: Affine, index: u32) -> vec4f {
    if u.epilogue == EPILOGUE_AFFINE {
        return clamp(sum * channels.scale + channels.shift, vec4f(u.low), vec4f(u.high));
    }
    let other = unpack(operand[index]);
    return select(sum * abs(other), ratio(other, sum), u.epilogue == EPILOGUE_RATIO);
}
