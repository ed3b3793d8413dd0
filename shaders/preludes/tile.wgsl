// The sums of a dense convolution's workgroup, and which pixels and taps meet. The kernel declares u, source and
// destination.
alias Tile = array<vec4f, 8>; // 8 output channels x 4 pixels

fn add(s: ptr<function, Tile>, t: ptr<function, Tile>) {
    (*s)[0] += (*t)[0]; (*s)[1] += (*t)[1]; (*s)[2] += (*t)[2]; (*s)[3] += (*t)[3];
    (*s)[4] += (*t)[4]; (*s)[5] += (*t)[5]; (*s)[6] += (*t)[6]; (*s)[7] += (*t)[7];
}

// The destination pixels of one phase: with stride s, a transposed convolution has s * s phases that use different
// taps.
struct Grid { row: u32, column: u32, rows: u32, columns: u32 }

fn grid(phase: u32) -> Grid {
    let step = select(1u, u.stride, u.transposed == 1u);
    let row = phase / step;
    let column = phase % step;
    return Grid(row, column, (u.height + step - 1u - row) / step, (u.width + step - 1u - column) / step);
}

// Along one dimension: tap `first + j * step` meets source position `origin + index * spacing + j * direction`.
struct Taps { first: u32, step: u32, origin: i32, direction: i32 }

fn taps(offset: u32, padding: u32) -> Taps {
    if u.transposed == 0u { return Taps(0u, 1u, -i32(padding), 1); }
    let first = (offset + padding) % u.stride;
    return Taps(first, u.stride, i32((offset + padding - first) / u.stride), -1);
}

fn store(quad: u32, at: vec4u, inside: vec4<bool>, t: ptr<function, Tile>) {
    store_quad(quad, at, inside, transpose(mat4x4f((*t)[0], (*t)[1], (*t)[2], (*t)[3])));
    store_quad(quad + 1u, at + u.height * u.width, inside, transpose(mat4x4f((*t)[4], (*t)[5], (*t)[6], (*t)[7])));
}

fn store_quad(quad: u32, at: vec4u, inside: vec4<bool>, values: mat4x4f) {
    if quad >= u.quads { return; }
    if inside.x { destination[at.x] = pack(values[0]); } if inside.y { destination[at.y] = pack(values[1]); }
    if inside.z { destination[at.z] = pack(values[2]); } if inside.w { destination[at.w] = pack(values[3]); }
}
