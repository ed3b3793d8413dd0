//! Dense derivations: helpers, and one module of tests for each kind of claim.

mod activations;
mod channels;
mod definitions;
mod degenerate;
mod elementwise;
mod gradients;
mod linear_maps;
mod logit_methods;
mod matrix;
mod method;
mod neighbours;
mod network;
mod products;
mod relevance;
mod relevance_rules;
mod rules;
mod single_output;
mod target;
mod without_class;
