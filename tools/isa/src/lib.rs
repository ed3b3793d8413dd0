//! What AMD's compiler makes of the kernels: registers, spills, occupancy, and how much of the hot loop is arithmetic.
//!
//! The way of the data: kernels out of the planner's own plans, or WGSL files ([`kernels`]), to SPIR-V as wgpu writes
//! it ([`spirv`]), into RADV without a card ([`driver`]), whose statistics and assembly ([`assembly`]) become one
//! record per kernel ([`report`]). Beside it: what the drivers
//! of other vendors' cards say ([`vendor`]), and HLSL as wgpu writes it ([`hlsl`]), for Microsoft's compiler.

#![warn(missing_docs)]

pub mod assembly;
pub mod driver;
pub mod error;
pub mod hlsl;
pub mod kernels;
pub mod report;
pub mod spirv;
pub mod vendor;
