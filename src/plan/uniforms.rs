//! The uniforms of a step: named scalars in the order of the shader's struct, so that a plan prints and a test compares
//! them.

use crate::graph::Window;
use std::fmt;

/// One scalar of a uniform struct.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scalar {
    /// `u32`
    Unsigned(u32),
    /// `f32`
    Float(f32),
}

impl From<u32> for Scalar {
    fn from(value: u32) -> Self {
        Scalar::Unsigned(value)
    }
}

impl From<bool> for Scalar {
    fn from(value: bool) -> Self {
        Scalar::Unsigned(value.into())
    }
}

impl From<f32> for Scalar {
    fn from(value: f32) -> Self {
        Scalar::Float(value)
    }
}

/// Named scalars, four bytes each, in the order of the WGSL struct.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Uniforms(Vec<(&'static str, Scalar)>);

impl Uniforms {
    /// No fields yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a field.
    pub fn with(mut self, name: &'static str, value: impl Into<Scalar>) -> Self {
        self.0.push((name, value.into()));
        self
    }

    /// Appends what kernels of any window are told of it.
    pub fn with_window(self, window: Window) -> Self {
        self.with("kernel_rows", window.kernel[0])
            .with("kernel_columns", window.kernel[1])
            .with("stride_rows", window.stride[0])
            .with("stride_columns", window.stride[1])
            .with("dilation_rows", window.dilation[0])
            .with("dilation_columns", window.dilation[1])
            .with("padding_top", window.padding.top)
            .with("padding_left", window.padding.left)
    }

    /// Fields in order.
    pub fn fields(&self) -> &[(&'static str, Scalar)] {
        &self.0
    }

    /// Replaces a field's value; `false` if there is no such field.
    pub fn set(&mut self, name: &str, value: impl Into<Scalar>) -> bool {
        let field = self.0.iter_mut().find(|(field, _)| *field == name);
        field.map(|field| field.1 = value.into()).is_some()
    }

    /// The struct's bytes, padded to a multiple of 16.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes: Vec<u8> = Vec::with_capacity(self.0.len() * 4);
        for (_, value) in &self.0 {
            bytes.extend(match value {
                Scalar::Unsigned(value) => value.to_ne_bytes(),
                Scalar::Float(value) => value.to_ne_bytes(),
            });
        }
        bytes.resize(bytes.len().next_multiple_of(16), 0);
        bytes
    }
}

impl fmt::Display for Uniforms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (name, value)) in self.0.iter().enumerate() {
            let space = if index == 0 { "" } else { " " };
            match value {
                Scalar::Unsigned(value) => write!(f, "{space}{name}={value}")?,
                Scalar::Float(f32::MAX) => write!(f, "{space}{name}=max")?,
                Scalar::Float(f32::MIN) => write!(f, "{space}{name}=min")?,
                Scalar::Float(value) => write!(f, "{space}{name}={value}")?,
            }
        }
        Ok(())
    }
}
