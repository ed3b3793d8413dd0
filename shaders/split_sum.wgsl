// Adds what the splits of a product of matrices have summed up, in their order, and applies the epilogue of a
// convolution. A lane has one vec4.

override LANES: u32 = 64u;

struct SplitSum {
    splits: u32,
    elements: u32, slice_elements: u32, // vec4 of each split, and of each of its slices
    first_element: u32, slice: u32,     // where the first slice goes in the destination, and how far on the next one
    plane: u32, quads: u32, // pixels of a quad, quads of a sample
    columns: u32,  // workgroups of a row of them
    gate: u32,     // not 0: nothing to do unless one of so many values of `operand` is not zero
    epilogue: u32, finished: u32, // what happens to the sums of so many samples
    low: f32, high: f32,
}

@group(0) @binding(0) var<uniform> u: SplitSum;
@group(0) @binding(1) var<storage, read> affine: array<Quad>; // [quads][scale, shift]
@group(0) @binding(2) var<storage, read_write> source: array<vec4f>;      // [splits][slices][samples][quads][pixels]
@group(0) @binding(3) var<storage, read_write> operand: array<Quad>;     // like destination, or the gate's values in x
@group(0) @binding(4) var<storage, read_write> destination: array<vec4f>; // [slices][samples][quads][pixels]

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let index = (group.y * u.columns + group.x) * LANES + lane;
    if index >= u.elements || !gate_is_open() { return; }
    var sum = source[index];
    for (var split = 1u; split < u.splits; split++) { sum += source[split * u.elements + index]; }
    let at = u.first_element + index / u.slice_elements * u.slice + index % u.slice_elements;
    let quad = at / u.plane;
    if u.epilogue != EPILOGUE_NONE && quad / u.quads < u.finished {
        sum = epilogue(sum, affine_of(quad % u.quads), at);
    }
    destination[at] = sum;
}
