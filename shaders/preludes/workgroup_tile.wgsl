// A product of matrices in workgroup memory, ROWS x PIXELS results at a time; goes before the text of a kernel that
// fills that memory. All constants stand here: naga 30 wants those that size an array before it, and in this order.
// DEPTH quads of channels of both factors lie there twice: while one half is multiplied, the other one is filled. A
// lane multiplies 4 * ROW_QUADS rows with 4 * PIXEL_QUADS pixels.

override ROWS: u32 = 64u;
override PIXELS: u32 = 64u;
override ROW_QUADS: u32 = 2u; // 1 or 2
override PIXEL_QUADS: u32 = 2u; // 1 or 2
override DEPTH: u32 = 2u; // 2 or 4
override TWO_LEVELS: bool = false; // sums of BLOCK quads of channels, then their sum: costs registers, loses far less
override HALF_WEIGHTS: bool = false; // weights are f16, two in a word
override LANES: u32 = 64u; // of a workgroup: ROWS * PIXELS / (16 * ROW_QUADS * PIXEL_QUADS), at least ROWS and PIXELS

const BLOCK = 16u;

var<workgroup> rows: array<vec4f, 2u * DEPTH * ROWS>;     // [2][DEPTH][ROWS], 4 channels of one row
var<workgroup> pixels: array<vec4f, 2u * DEPTH * PIXELS>; // [2][DEPTH][PIXELS], 4 channels of one pixel

alias Four = array<vec4f, 4>; // 4 pixels x 4 channels, or 4 rows x 4 pixels

fn row(w: vec4f, b: Four, c: vec4f) -> vec4f {
    return vec4f(
        fma(w.w, b[0].w, fma(w.z, b[0].z, fma(w.y, b[0].y, fma(w.x, b[0].x, c.x)))),
        fma(w.w, b[1].w, fma(w.z, b[1].z, fma(w.y, b[1].y, fma(w.x, b[1].x, c.y)))),
        fma(w.w, b[2].w, fma(w.z, b[2].z, fma(w.y, b[2].y, fma(w.x, b[2].x, c.z)))),
        fma(w.w, b[3].w, fma(w.z, b[3].z, fma(w.y, b[3].y, fma(w.x, b[3].x, c.w)))),
    );
}

fn multiply(t: ptr<function, Four>, at: u32, b: Four) {
    (*t)[0] = row(rows[at], b, (*t)[0]); (*t)[1] = row(rows[at + 1u], b, (*t)[1]);
    (*t)[2] = row(rows[at + 2u], b, (*t)[2]); (*t)[3] = row(rows[at + 3u], b, (*t)[3]);
}

// Lanes with the same rows. Their pixels lie at this distance, so that neighbouring lanes read neighbouring pixels.
fn across() -> u32 { return PIXELS / (4u * PIXEL_QUADS); }

fn four_pixels(at: u32) -> Four {
    return Four(pixels[at], pixels[at + across()], pixels[at + 2u * across()], pixels[at + 3u * across()]);
}

fn add(s: ptr<function, Four>, t: ptr<function, Four>) {
    (*s)[0] += (*t)[0]; (*s)[1] += (*t)[1]; (*s)[2] += (*t)[2]; (*s)[3] += (*t)[3];
    *t = Four();
}

// What a lane brings: quads of the row of its number and of the pixel of its number, LANES elements of workgroup memory
// apart.
struct Loaded { rows: Four, pixels: Four }

fn keep(l: Loaded, lane: u32, half: u32) {
    let pixel = half * DEPTH * PIXELS + lane;
    let row = half * DEPTH * ROWS + lane;
    pixels[pixel] = l.pixels[0];
    rows[row] = l.rows[0];
    if DEPTH * PIXELS > LANES { pixels[pixel + LANES] = l.pixels[1]; }
    if DEPTH * ROWS > LANES { rows[row + LANES] = l.rows[1]; }
    if DEPTH * PIXELS > 2u * LANES {
        pixels[pixel + 2u * LANES] = l.pixels[2];
        pixels[pixel + 3u * LANES] = l.pixels[3];
    }
    if DEPTH * ROWS > 2u * LANES { rows[row + 2u * LANES] = l.rows[2]; rows[row + 3u * LANES] = l.rows[3]; }
}

// Destination rows, or columns, of a phase: with stride s, a transposed convolution has s * s phases that use different
// taps. Tap `first + j * step` of `count` meets source position `origin + index * spacing + j * direction`.
struct Axis { offset: u32, size: u32, first: u32, count: u32, step: u32, origin: i32, spacing: i32, direction: i32 }

fn axis(phase: u32, size: u32, kernel: u32, padding: u32) -> Axis {
    var found = Axis(0u, size, 0u, kernel, 1u, -i32(padding), i32(u.stride), 1);
    if u.transposed != 0u {
        let first = (phase + padding) % u.stride;
        let count = (max(kernel, first) - first + u.stride - 1u) / u.stride;
        let origin = i32((phase + padding - first) / u.stride);
        found = Axis(phase, (size + u.stride - 1u - phase) / u.stride, first, count, u.stride, origin, 1, -1);
    }
    return found;
}

// A pixel of the destination: its sample, row and column in the grid of a phase.
struct Pixel { sample: u32, y: u32, x: u32, exists: bool }

fn pixel(index: u32, height: u32, width: u32) -> Pixel {
    let area = max(height * width, 1u);
    let sample = index / area;
    let y = (index - sample * area) / max(width, 1u);
    return Pixel(sample, y, index - sample * area - y * width, sample < u.samples && height * width > 0u);
}
