// What a lane of a product in workgroup memory loads of a convolution's source and weights. The kernel declares u,
// weights and source.
fn weight(at: u32, is_absolute: bool) -> vec4f {
    if HALF_WEIGHTS {
        let pair = weights[at / 2u];
        let words = select(pair.xy, pair.zw, at % 2u == 1u) & vec2u(select(~0u, 0x7fff7fffu, is_absolute));
        return vec4f(unpack2x16float(words.x), unpack2x16float(words.y));
    }
    return bitcast<vec4f>(weights[at] & vec4u(select(~0u, 0x7fffffffu, is_absolute)));
}

// What a lane brings to workgroup memory: some quads of a pixel and of a row, from its first one on.
struct Carried { pixel: Pixel, source: u32, source_quad: u32, weights: u32, weight_quad: u32, is_absolute: bool }

fn load_source(at: u32, quad: u32, is_inside: bool) -> vec4f {
    let exists = is_inside && quad < u.source_quads;
    let value = source[select(0u, at, exists)];
    return part(select(vec4f(), value, exists), u.source_part);
}

fn load_weight(c: Carried, at: u32, quad: u32) -> vec4f {
    return weight(at + min(quad, u.source_quads - 1u) * 8u, c.is_absolute);
}

// DEPTH source quads from `quad` on of a tap, as far as they exist; rows and pixels that do not are as good as any.
fn load(c: Carried, vertical: Axis, horizontal: Axis, tap: vec2u, quad: u32) -> Loaded {
    let y = i32(c.pixel.y) * vertical.spacing + vertical.origin + i32(tap.y) * vertical.direction;
    let x = i32(c.pixel.x) * horizontal.spacing + horizontal.origin + i32(tap.x) * horizontal.direction;
    let is_inside = c.pixel.exists && y >= 0 && x >= 0 && y < i32(u.source_height) && x < i32(u.source_width);
    let plane = u.source_height * u.source_width;
    let source = c.source + quad * plane + u32(y) * u.source_width + u32(x);
    let step = LANES / PIXELS;
    let of_tap = (vertical.first + tap.y * vertical.step) * u.kernel_columns + horizontal.first
        + tap.x * horizontal.step;
    let weights = c.weights + of_tap * u.source_quads * 8u;
    let source_quad = quad + c.source_quad;
    let weight_quad = quad + c.weight_quad;
    var l: Loaded;
    l.pixels[0] = load_source(source, source_quad, is_inside);
    l.rows[0] = load_weight(c, weights, weight_quad);
    if DEPTH * PIXELS > LANES { l.pixels[1] = load_source(source + step * plane, source_quad + step, is_inside); }
    if DEPTH * ROWS > LANES { l.rows[1] = load_weight(c, weights, weight_quad + LANES / ROWS); }
    if DEPTH * PIXELS > 2u * LANES {
        l.pixels[2] = load_source(source + 2u * step * plane, source_quad + 2u * step, is_inside);
        l.pixels[3] = load_source(source + 3u * step * plane, source_quad + 3u * step, is_inside);
    }
    if DEPTH * ROWS > 2u * LANES {
        l.rows[2] = load_weight(c, weights, weight_quad + 2u * LANES / ROWS);
        l.rows[3] = load_weight(c, weights, weight_quad + 3u * LANES / ROWS);
    }
    return l;
}
