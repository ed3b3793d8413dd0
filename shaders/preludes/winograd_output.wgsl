// Uniforms and bindings of the last step of Winograd's algorithm.
struct WinogradOutput {
    height: u32, width: u32, quads: u32,
    tile_rows: u32, tile_columns: u32, // patches of one sample
    first_tile: u32, // patches of all samples before this dispatch
    tiles: u32,      // patches of this dispatch
    epilogue: u32, finished: u32, // what happens to the sums of so many samples
    low: f32, high: f32,
}

@group(0) @binding(0) var<uniform> u: WinogradOutput;
@group(0) @binding(1) var<storage, read> affine: array<Quad>; // [quads][scale, shift]
@group(0) @binding(2) var<storage, read_write> source: array<Quad>;      // [slices][quads][tiles]
@group(0) @binding(3) var<storage, read_write> operand: array<Quad>;    // like destination
@group(0) @binding(4) var<storage, read_write> destination: array<Quad>; // [samples][quads][pixels]
