// One output channel's multiply-adds of four source channels (w) for four pixels (b).
fn row(w: vec4f, b: array<vec4f, 4>, c: vec4f) -> vec4f {
    return vec4f(
        fma(w.w, b[0].w, fma(w.z, b[0].z, fma(w.y, b[0].y, fma(w.x, b[0].x, c.x)))),
        fma(w.w, b[1].w, fma(w.z, b[1].z, fma(w.y, b[1].y, fma(w.x, b[1].x, c.y)))),
        fma(w.w, b[2].w, fma(w.z, b[2].z, fma(w.y, b[2].y, fma(w.x, b[2].x, c.z)))),
        fma(w.w, b[3].w, fma(w.z, b[3].z, fma(w.y, b[3].y, fma(w.x, b[3].x, c.w)))),
    );
}

// Source quads that are summed before they join the total: two levels lose far less than one long sum, and near-ties in
// max-pooling then fall as they do in exact arithmetic.
const BLOCK = 16u;
