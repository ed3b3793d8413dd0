//! Where a parameter's values come from.

use crate::graph::parameter::Parameter;
use crate::models::onnx::tensor::{Tensor, Values};
use crate::models::synthetic;
use std::sync::Arc;

/// What is done to a tensor's values on their way to a parameter, in this order.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::models::onnx) struct Form {
    /// A matrix of (inputs, outputs) becomes (outputs, inputs).
    pub transposed: bool,
    /// Column `i` of the parameter is column `columns[i]` of the tensor's matrix.
    pub columns: Option<Vec<usize>>,
    /// Whether 1 is divided by each value.
    pub inverted: bool,
    /// Each value is multiplied by this, `None` for 1.
    pub factor: Option<f32>,
}

/// A parameter of the graph and the tensor that it is made of.
#[derive(Clone, Debug)]
pub(in crate::models::onnx) struct Binding {
    pub parameter: Parameter,
    pub tensor: Arc<Tensor>,
    pub form: Form,
}

impl Binding {
    /// Values that the file does not hold, but says that they are all one number.
    pub fn filled(&self) -> usize {
        if matches!(self.tensor.values, Values::Fill(_)) { self.parameter.element_count() } else { 0 }
    }

    /// The parameter's values; where the file has none but a number that stands everywhere, synthetic ones where
    /// `is_synthetic`. `None` where the tensor does not have the parameter's number of values.
    pub fn values(&self, is_synthetic: bool) -> Option<Arc<Vec<f32>>> {
        let count = self.parameter.element_count();
        let is_made_up = is_synthetic && matches!(self.tensor.values, Values::Fill(_)) && !self.tensor.name.is_empty();
        let values = match &self.tensor.values {
            Values::Fill(_) if is_made_up && self.tensor.count() != Some(count) => return None,
            Values::Fill(_) if is_made_up => Arc::new(synthetic::values(&Parameter {
                name: self.tensor.name.clone(),
                shape: self.tensor.named_dims.clone(),
                kind: self.parameter.kind,
            })),
            Values::Fill(value) => Arc::new(vec![*value; count]),
            Values::Float(_) | Values::Integer(_) => self.tensor.floats()?,
        };
        let values = if values.len() == 1 && count > 1 { Arc::new(vec![values[0]; count]) } else { values };
        if values.len() != count {
            return None;
        }
        if self.form == Form::default() {
            return Some(values);
        }
        let rows = self.parameter.shape.first().copied().unwrap_or(1).max(1);
        let columns = count / rows;
        let at = |row: usize, column: usize| {
            let column = self.form.columns.as_ref().map_or(column, |columns| columns[column]);
            let value = values[if self.form.transposed { column * rows + row } else { row * columns + column }];
            let value = if self.form.inverted { 1.0 / value } else { value };
            self.form.factor.map_or(value, |factor| factor * value)
        };
        Some(Arc::new(
            (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))).map(|(r, c)| at(r, c)).collect(),
        ))
    }
}
