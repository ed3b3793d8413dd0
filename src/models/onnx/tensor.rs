//! Tensors of a file: integers and floats as one would compute with them, decoded from the forms that ONNX has.

use super::OnnxError;
use super::proto::{TensorProto, tensor_proto::DataType};
use half::{bf16, f16};
use std::path::Path;
use std::sync::Arc;

/// Elements that a folded tensor may have at most: more than any shape chain or constant needs, less than a shape bomb.
pub(super) const MOST_FOLDED: usize = 1 << 24;

/// Values in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Values {
    /// Any floating-point type, rounded to f32. Shared with the model's weights.
    Float(Arc<Vec<f32>>),
    /// Any integer type, and booleans as 0 and 1.
    Integer(Vec<i64>),
    /// One number everywhere, not stored: what `ConstantOfShape` makes.
    Fill(f32),
}

/// A constant of the graph.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tensor {
    /// Size of each dimension, outermost first; none for a scalar.
    pub dims: Vec<usize>,
    /// Its elements.
    pub values: Values,
    /// The name under which the file knows it; kept where it is only reshaped.
    pub name: String,
    /// The dimensions under which the file knows that name.
    pub named_dims: Vec<usize>,
    /// Lowest and highest number of its type, where that is one of integers of 8 or 16 bits.
    pub range: Option<[i64; 2]>,
}

impl Tensor {
    pub fn new(name: &str, dims: Vec<usize>, values: Values) -> Arc<Self> {
        Self::ranged(name, dims, values, None)
    }

    /// A tensor whose type has this range.
    pub fn ranged(name: &str, dims: Vec<usize>, values: Values, range: Option<[i64; 2]>) -> Arc<Self> {
        Arc::new(Self { named_dims: dims.clone(), dims, values, name: name.into(), range })
    }

    /// A tensor of floats.
    pub fn of_floats(name: &str, dims: Vec<usize>, values: Vec<f32>) -> Arc<Self> {
        Self::new(name, dims, floats(values))
    }

    /// A list of integers.
    pub fn integers(name: &str, values: Vec<i64>) -> Arc<Self> {
        Self::new(name, vec![values.len()], Values::Integer(values))
    }

    /// Number of elements; `None` where it does not fit the machine.
    pub fn count(&self) -> Option<usize> {
        count(&self.dims)
    }

    /// Number of elements that are stored.
    pub fn held(&self) -> usize {
        match &self.values {
            Values::Float(values) => values.len(),
            Values::Integer(values) => values.len(),
            Values::Fill(_) => 0,
        }
    }

    /// Whether it has no more elements than a layer's weights may.
    pub fn is_countable(&self) -> bool {
        self.count().is_some_and(|count| count <= MOST_WEIGHTS)
    }

    /// The same elements in another shape of as many.
    pub fn reshaped(&self, dims: Vec<usize>) -> Arc<Self> {
        Arc::new(Self { dims, ..self.clone() })
    }

    /// Elements as floats; `None` where there are too many to hold.
    pub fn floats(&self) -> Option<Arc<Vec<f32>>> {
        match &self.values {
            Values::Float(values) => Some(values.clone()),
            Values::Integer(values) => Some(Arc::new(values.iter().map(|&value| value as f32).collect())),
            Values::Fill(value) => Some(Arc::new(vec![*value; self.count().filter(|&count| count <= MOST_FOLDED)?])),
        }
    }

    /// Elements as integers, floats rounded towards zero; `None` where there are too many to hold.
    pub fn whole(&self) -> Option<Vec<i64>> {
        match &self.values {
            Values::Integer(values) => Some(values.clone()),
            Values::Float(values) => Some(values.iter().map(|&value| value as i64).collect()),
            Values::Fill(value) => Some(vec![*value as i64; self.count().filter(|&count| count <= MOST_FOLDED)?]),
        }
    }

    /// The one element of a tensor that has one.
    pub fn scalar(&self) -> Option<f32> {
        if self.count() != Some(1) {
            return None;
        }
        match &self.values {
            Values::Float(values) => values.first().copied(),
            Values::Integer(values) => values.first().map(|&value| value as f32),
            Values::Fill(value) => Some(*value),
        }
    }

    pub fn is_integer(&self) -> bool {
        matches!(self.values, Values::Integer(_))
    }
}

/// Weights that a layer may have.
pub(super) const MOST_WEIGHTS: usize = 1 << 30;

/// Product of dimensions; `None` where it does not fit the machine.
pub(super) fn count(dims: &[usize]) -> Option<usize> {
    dims.iter().try_fold(1_usize, |product, &size| product.checked_mul(size))
}

/// Decodes a tensor; external data is looked for in `folder`, beside the model, and nowhere else.
pub(super) fn decode(proto: &TensorProto, name: &str, folder: Option<&Path>) -> Result<Arc<Tensor>, OnnxError> {
    let wrong = |reason: String| OnnxError::Tensor { tensor: name.into(), reason };
    let dims: Vec<usize> = proto
        .dims
        .iter()
        .map(|&size| usize::try_from(size).map_err(|_| wrong(format!("has a dimension of {size}"))))
        .collect::<Result<_, _>>()?;
    let elements = count(&dims).ok_or_else(|| wrong(format!("has too many elements: {dims:?}")))?;
    let code = proto.data_type.unwrap_or_default();
    let kind = DataType::try_from(code).map_err(|_| wrong(format!("has the unknown data type {code}")))?;
    let external;
    let raw: Option<&[u8]> = if proto.data_location == Some(1) {
        external = super::external::read(proto, name, folder)?;
        Some(&external)
    } else {
        proto.raw_data.as_deref()
    };
    let values = match raw {
        Some(bytes) => from_bytes(kind, bytes),
        None => from_fields(kind, proto),
    };
    let values = values.ok_or_else(|| wrong(format!("has the data type {}, which is not read", kind.as_str_name())))?;
    let range = match kind {
        DataType::Uint8 => Some([0, 255]),
        DataType::Int8 => Some([-128, 127]),
        DataType::Uint16 => Some([0, 65_535]),
        DataType::Int16 => Some([-32_768, 32_767]),
        _ => None,
    };
    let tensor = Tensor::ranged(name, dims, values, range);
    let (dims, found) = (&tensor.dims, tensor.held());
    if found != elements {
        return Err(wrong(format!("has {found} elements where its shape {dims:?} means {elements}")));
    }
    Ok(tensor)
}

fn floats(values: Vec<f32>) -> Values {
    Values::Float(Arc::new(values))
}

fn each<const SIZE: usize, T>(bytes: &[u8], value: impl Fn([u8; SIZE]) -> T) -> Vec<T> {
    bytes.as_chunks::<SIZE>().0.iter().map(|chunk| value(*chunk)).collect()
}

/// Little-endian elements; `None` for a type that is not read.
fn from_bytes(kind: DataType, bytes: &[u8]) -> Option<Values> {
    Some(match kind {
        DataType::Float => floats(each(bytes, f32::from_le_bytes)),
        DataType::Double => floats(each(bytes, |chunk| f64::from_le_bytes(chunk) as f32)),
        DataType::Float16 => floats(each(bytes, |chunk| f16::from_le_bytes(chunk).to_f32())),
        DataType::Bfloat16 => floats(each(bytes, |chunk| bf16::from_le_bytes(chunk).to_f32())),
        DataType::Int64 => Values::Integer(each(bytes, i64::from_le_bytes)),
        DataType::Uint64 => Values::Integer(each(bytes, |chunk| u64::from_le_bytes(chunk) as i64)),
        DataType::Int32 => Values::Integer(each(bytes, |chunk| i32::from_le_bytes(chunk).into())),
        DataType::Uint32 => Values::Integer(each(bytes, |chunk| u32::from_le_bytes(chunk).into())),
        DataType::Int16 => Values::Integer(each(bytes, |chunk| i16::from_le_bytes(chunk).into())),
        DataType::Uint16 => Values::Integer(each(bytes, |chunk| u16::from_le_bytes(chunk).into())),
        DataType::Int8 => Values::Integer(each(bytes, |chunk| i8::from_le_bytes(chunk).into())),
        DataType::Uint8 | DataType::Bool => Values::Integer(bytes.iter().map(|&byte| byte.into()).collect()),
        _ => return None,
    })
}

/// Elements in the typed fields, where small types share the field of 32-bit integers.
fn from_fields(kind: DataType, proto: &TensorProto) -> Option<Values> {
    let halves = |value: fn(u16) -> f32| proto.int32_data.iter().map(move |&bits| value(bits as u16)).collect();
    Some(match kind {
        DataType::Float => floats(proto.float_data.clone()),
        DataType::Double => floats(proto.double_data.iter().map(|&value| value as f32).collect()),
        DataType::Float16 => floats(halves(|bits| f16::from_bits(bits).to_f32())),
        DataType::Bfloat16 => floats(halves(|bits| bf16::from_bits(bits).to_f32())),
        DataType::Int64 => Values::Integer(proto.int64_data.clone()),
        DataType::Uint64 | DataType::Uint32 => {
            Values::Integer(proto.uint64_data.iter().map(|&value| value as i64).collect())
        }
        DataType::Int32 | DataType::Int16 | DataType::Uint16 | DataType::Int8 | DataType::Uint8 | DataType::Bool => {
            Values::Integer(proto.int32_data.iter().map(|&value| value.into()).collect())
        }
        _ => return None,
    })
}
