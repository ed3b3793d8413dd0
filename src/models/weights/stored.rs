//! Tensors as they lie in a file, and their values as f32.

use std::borrow::Cow;
use std::fmt;
use std::io;

use half::{bf16, f16};

use super::source::Source;
use crate::platform::fill_parallel;

/// What a tensor's elements are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    F64,
    F32,
    F16,
    BF16,
    /// A type that is not read, by the name that safetensors has for it, and its bytes.
    Other(&'static str, usize),
}

impl fmt::Display for Element {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::F64 => "F64",
            Self::F32 => "F32",
            Self::F16 => "F16",
            Self::BF16 => "BF16",
            Self::Other(name, _) => name,
        })
    }
}

impl Element {
    /// Bytes of an element.
    pub fn size(self) -> usize {
        match self {
            Self::F64 => 8,
            Self::F32 => 4,
            Self::F16 | Self::BF16 => 2,
            Self::Other(_, size) => size,
        }
    }

    /// Little-endian elements as f32, 64 bits rounded to the nearest; `None` for a type that is not read.
    fn to_f32(self, bytes: &[u8]) -> Option<Vec<f32>> {
        Some(match self {
            Self::F64 => convert(bytes, |element| f64::from_le_bytes(element) as f32),
            Self::F32 => convert(bytes, f32::from_le_bytes),
            Self::F16 => convert(bytes, |element| f16::from_le_bytes(element).to_f32()),
            Self::BF16 => convert(bytes, |element| bf16::from_le_bytes(element).to_f32()),
            Self::Other(..) => return None,
        })
    }
}

fn convert<const SIZE: usize>(bytes: &[u8], element_to_f32: impl Fn([u8; SIZE]) -> f32 + Sync) -> Vec<f32> {
    let (elements, _) = bytes.as_chunks::<SIZE>();
    fill_parallel(elements.len(), |index| element_to_f32(elements[index]))
}

/// A tensor in a file. Whoever makes one has checked that all of its elements lie in the file, and that they are no
/// more than the file has bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StoredTensor {
    pub element: Element,
    pub shape: Vec<usize>,
    /// Offset of its first element in the file, in bytes.
    pub start: u64,
    /// Elements between neighbours along each dimension; `None` where the tensor lies row-major without gaps.
    pub strides: Option<Vec<usize>>,
}

impl StoredTensor {
    /// Its values, row-major; `None` for an element type that is not read.
    ///
    /// # Errors
    /// Those of reading the file.
    pub fn read(&self, source: &Source) -> io::Result<Option<Vec<f32>>> {
        match self.element {
            Element::Other(..) => Ok(None),
            Element::F64 | Element::F32 | Element::F16 | Element::BF16 => Ok(self.element.to_f32(&self.bytes(source)?)),
        }
    }

    /// The bytes of its elements, row-major.
    fn bytes<'a>(&self, source: &Source<'a>) -> io::Result<Cow<'a, [u8]>> {
        let size = self.element.size();
        let count: usize = self.shape.iter().product();
        let Some(strides) = self.strides.as_ref().filter(|_| count > 0) else {
            return source.read(self.start, count * size);
        };
        let last: usize = self.shape.iter().zip(strides).map(|(size, stride)| (size - 1) * stride).sum();
        let span = source.read(self.start, (last + 1) * size)?;
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(count * size).map_err(io::Error::other)?;
        let mut place = vec![0; self.shape.len()];
        let mut offset = 0;
        for _ in 0..count {
            bytes.extend_from_slice(span.get(offset * size..(offset + 1) * size).unwrap_or_default());
            for (axis, (&size, stride)) in self.shape.iter().zip(strides).enumerate().rev() {
                place[axis] += 1;
                offset += stride;
                if place[axis] < size {
                    break;
                }
                offset -= size * stride;
                place[axis] = 0;
            }
        }
        Ok(Cow::Owned(bytes))
    }
}
