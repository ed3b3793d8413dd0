//! Values of different shapes together, and values joined along any axis. The graph broadcasts one value per channel
//! and joins channels; along other axes these are turned to be channels.

use super::Importer;
use crate::graph::{Forward, GraphError, NodeId, Order, Shape};
use crate::models::onnx::view::{Axis, View};

/// The order in which an axis and the channels have changed places.
fn turned(axis: Axis) -> Option<Order> {
    match axis {
        Axis::Channel => None,
        Axis::Row => Order::new([1, 0, 2]),
        Axis::Column => Order::new([2, 1, 0]),
    }
}

impl Importer<'_> {
    /// Two values, the one that the other is broadcast to before it. `None` where neither is.
    pub(super) fn ordered(&mut self, name: &str, a: &View, b: &View) -> Result<Option<[View; 2]>, GraphError> {
        if a.takes(b) {
            return self.broadcast(name, a, b);
        }
        if b.takes(a) {
            return self.broadcast(name, b, a);
        }
        let (a, b) = (self.laid_out(name, a)?, self.laid_out(name, b)?);
        match (a.takes(&b), b.takes(&a)) {
            (true, _) => self.broadcast(name, &a, &b),
            (false, true) => self.broadcast(name, &b, &a),
            (false, false) => Ok(None),
        }
    }

    /// A value of (N, C, H, W) in another order, in this one.
    pub(super) fn laid_out(&mut self, name: &str, x: &View) -> Result<View, GraphError> {
        let Some(order) = x.order().filter(|&order| order != Order::SAME) else { return Ok(x.clone()) };
        let made = self.graph.add(&format!("{name}.laid_out"), Forward::Transpose(order), &[x.node])?;
        Ok(View::image(made, self.graph.shape(made)))
    }

    /// Two values, of which the first takes the other along some axes.
    fn broadcast(&mut self, name: &str, large: &View, small: &View) -> Result<Option<[View; 2]>, GraphError> {
        let (to, of) = (large.shape, small.shape);
        if [to, Shape::vector(to.channels), Shape::SCALAR].contains(&of) {
            return Ok(Some([large.clone(), small.clone()]));
        }
        let sizes = [
            (Axis::Channel, to.channels, of.channels),
            (Axis::Row, to.height, of.height),
            (Axis::Column, to.width, of.width),
        ];
        let mut node = small.node;
        for (axis, wanted, own) in sizes {
            match own {
                own if own == wanted => {}
                1 => node = self.repeated(name, node, axis, wanted)?,
                _ => return Ok(None),
            }
        }
        Ok(Some([large.clone(), large.of(node)]))
    }

    /// A value that has one position along an axis, `count` times.
    fn repeated(&mut self, name: &str, x: NodeId, axis: Axis, count: u32) -> Result<NodeId, GraphError> {
        let name = format!("{name}.broadcast");
        let (mut twice, mut left, mut parts) = (self.turn(&name, x, axis)?, count, Vec::new());
        while left > 0 {
            if left % 2 == 1 {
                parts.push(twice);
            }
            left /= 2;
            if left > 0 {
                twice = self.graph.add(&name, Forward::Concat, &[twice, twice])?;
            }
        }
        let all = match parts[..] {
            [only] => only,
            _ => self.graph.add(&name, Forward::Concat, &parts)?,
        };
        self.turn(&name, all, axis)
    }

    /// Values behind each other along an axis.
    pub(super) fn joined(&mut self, name: &str, nodes: &[NodeId], axis: Axis) -> Result<NodeId, GraphError> {
        let turned: Vec<NodeId> = nodes.iter().map(|&node| self.turn(name, node, axis)).collect::<Result<_, _>>()?;
        let made = self.graph.add(name, Forward::Concat, &turned)?;
        self.turn(name, made, axis)
    }

    fn turn(&mut self, name: &str, x: NodeId, axis: Axis) -> Result<NodeId, GraphError> {
        match turned(axis) {
            None => Ok(x),
            Some(order) => self.graph.add(&format!("{name}.turned"), Forward::Transpose(order), &[x]),
        }
    }
}
