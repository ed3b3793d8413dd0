//! Max-pooling with its positions and transpose, adaptive average pooling, and averages of windows.

use super::{Lowering, UNUSED, Work};
use crate::graph::{Averaging, Backward, Node, NodeId, Op, Shape, Window};
use crate::plan::ValueId;
use crate::plan::kernel::{Kernel, Shader};
use crate::plan::uniforms::Uniforms;

/// What is wanted of max-pooling.
#[derive(Clone, Copy)]
pub(super) enum MaxPoolOperation {
    Value,
    Index,
    Transpose,
    /// The relevance of the pooled input.
    Relevance,
}

impl Lowering<'_, '_> {
    pub(super) fn max_pool(&mut self, node: &Node, window: Window, operation: MaxPoolOperation) {
        let values = self.values(&node.inputs);
        self.max_pool_step(node, window, operation, values);
    }

    fn max_pool_step(&mut self, node: &Node, window: Window, operation: MaxPoolOperation, mut values: Vec<ValueId>) {
        let kernel = match operation {
            MaxPoolOperation::Value => Kernel::new(Shader::MaxPool).with("INDEX", 0),
            MaxPoolOperation::Index => Kernel::new(Shader::MaxPool).with("INDEX", 1),
            MaxPoolOperation::Transpose => {
                values.resize(4, UNUSED);
                Kernel::new(Shader::MaxPoolTranspose).with("RELEVANCE", 0)
            }
            MaxPoolOperation::Relevance => Kernel::new(Shader::MaxPoolTranspose).with("RELEVANCE", 1),
        };
        let source = self.shape(node.inputs[0]);
        let uniforms = pool_uniforms(source, node.shape).with_window(window);
        values.push(self.value(self.output));
        let flops = self.elements(node, window.taps().into());
        let (kernel, workgroups) = self.per_quad(kernel, node.shape);
        self.push(Work { kernel, uniforms, workgroups, flops }, Vec::new(), values);
    }

    pub(super) fn average_pool(&mut self, node: &Node, transposed: bool) {
        let values = vec![self.value(node.inputs[0]), UNUSED, UNUSED];
        self.average_pool_step(node, transposed, false, values);
    }

    fn average_pool_step(&mut self, node: &Node, transposed: bool, relevance: bool, mut values: Vec<ValueId>) {
        let kernel = Kernel::new(Shader::AveragePool).with("TRANSPOSED", transposed.into());
        let kernel = if relevance { kernel.with("RELEVANCE", 1) } else { kernel };
        let source = self.shape(node.inputs[0]);
        let uniforms = pool_uniforms(source, node.shape);
        values.push(self.value(self.output));
        let flops = source.elements().max(node.shape.elements()) * u64::from(self.batch);
        let (kernel, workgroups) = self.per_quad(kernel, node.shape);
        self.push(Work { kernel, uniforms, workgroups, flops }, Vec::new(), values);
    }

    pub(super) fn average_windows(&mut self, node: &Node, averaging: Averaging, transposed: bool) {
        let Averaging { window, counted } = averaging;
        let source = self.shape(node.inputs[0]);
        let picture = if transposed { node.shape } else { source };
        let uniforms = pool_uniforms(source, node.shape)
            .with_window(window)
            .with("counted_top", counted.top)
            .with("counted_left", counted.left)
            .with("counted_rows", picture.height + counted.top + counted.bottom)
            .with("counted_columns", picture.width + counted.left + counted.right);
        let values = vec![self.value(node.inputs[0]), self.value(self.output)];
        let flops = self.elements(node, window.taps().into());
        let kernel = Kernel::new(Shader::AverageWindows).with("TRANSPOSED", transposed.into());
        let (kernel, workgroups) = self.per_quad(kernel, node.shape);
        self.push(Work { kernel, uniforms, workgroups, flops }, Vec::new(), values);
    }

    /// Relevance of a pooled value's input.
    pub(super) fn pooling_relevance(&mut self, quotient: NodeId, transpose: NodeId, product: NodeId) {
        let graph = self.graph;
        let node = graph.node(transpose);
        let &[relevance, response] = &graph.node(quotient).inputs[..] else { return };
        let input = graph.node(product).inputs[0];
        match (node.op, &node.inputs[..]) {
            (Op::Backward(Backward::MaxPoolTranspose { window, .. }), &[_, positions]) => {
                let values = self.values(&[relevance, positions, response, input]);
                self.max_pool_step(node, window, MaxPoolOperation::Relevance, values);
            }
            _ => {
                let values = self.values(&[relevance, response, input]);
                self.average_pool_step(node, true, true, values);
            }
        }
    }
}

fn pool_uniforms(source: Shape, shape: Shape) -> Uniforms {
    Uniforms::new()
        .with("source_height", source.height)
        .with("source_width", source.width)
        .with("height", shape.height)
        .with("width", shape.width)
        .with("quads", shape.quads())
}
