// Elementwise work: LANES lanes go through RUN elements. On a graphics card a lane has one element.
override LANES: u32 = 64u;
override RUN: u32 = 64u; // elements of a workgroup
