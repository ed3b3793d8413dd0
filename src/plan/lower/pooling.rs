//! Max-pooling with its positions and transpose, and adaptive average pooling.

use super::{Lowering, Work};
use crate::graph::{Node, Window};
use crate::plan::kernel::{Kernel, Shader};
use crate::plan::uniforms::Uniforms;

/// What is wanted of max-pooling.
#[derive(Clone, Copy)]
pub(super) enum MaxPoolOperation {
    Value,
    Index,
    Transpose,
}

impl Lowering<'_> {
    pub(super) fn max_pool(&mut self, node: &Node, window: Window, operation: MaxPoolOperation) {
        let kernel = match operation {
            MaxPoolOperation::Value => Kernel::new(Shader::MaxPool).with("INDEX", 0),
            MaxPoolOperation::Index => Kernel::new(Shader::MaxPool).with("INDEX", 1),
            MaxPoolOperation::Transpose => Kernel::new(Shader::MaxPoolTranspose),
        };
        let source = self.shape(node.inputs[0]);
        let uniforms = Uniforms::new()
            .with("source_height", source.height)
            .with("source_width", source.width)
            .with("height", node.shape.height)
            .with("width", node.shape.width)
            .with("quads", node.shape.quads())
            .with("kernel_rows", window.kernel[0])
            .with("kernel_columns", window.kernel[1])
            .with("stride_rows", window.stride[0])
            .with("stride_columns", window.stride[1])
            .with("dilation_rows", window.dilation[0])
            .with("dilation_columns", window.dilation[1])
            .with("padding_top", window.padding.top)
            .with("padding_left", window.padding.left);
        let mut values = self.values(&node.inputs);
        values.push(self.value(self.output));
        let flops = self.elements(node, window.taps().into());
        let (kernel, workgroups) = self.per_quad(kernel, node.shape);
        self.push(Work { kernel, uniforms, workgroups, flops }, Vec::new(), values);
    }

    pub(super) fn average_pool(&mut self, node: &Node, transposed: bool) {
        let kernel = Kernel::new(Shader::AveragePool).with("TRANSPOSED", transposed.into());
        let source = self.shape(node.inputs[0]);
        let uniforms = Uniforms::new()
            .with("source_height", source.height)
            .with("source_width", source.width)
            .with("height", node.shape.height)
            .with("width", node.shape.width)
            .with("quads", node.shape.quads());
        let values = vec![self.value(node.inputs[0]), self.value(self.output)];
        let flops = source.elements().max(node.shape.elements()) * u64::from(self.batch);
        let (kernel, workgroups) = self.per_quad(kernel, node.shape);
        self.push(Work { kernel, uniforms, workgroups, flops }, Vec::new(), values);
    }
}
