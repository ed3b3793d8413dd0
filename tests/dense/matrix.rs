//! Dense matrices.

use agf::graph::NodeId;
use agf::reference::Reference;

/// Row-major.
#[derive(Clone, Debug)]
pub struct Matrix {
    pub rows: usize,
    pub columns: usize,
    pub entries: Vec<f64>,
}

impl Matrix {
    pub fn from_fn(rows: usize, columns: usize, entry: impl Fn(usize, usize) -> f64) -> Self {
        let entries = (0..rows * columns).map(|index| entry(index / columns, index % columns)).collect();
        Self { rows, columns, entries }
    }

    pub fn at(&self, row: usize, column: usize) -> f64 {
        self.entries[row * self.columns + column]
    }

    pub fn map(&self, f: impl Fn(f64) -> f64) -> Self {
        Self { entries: self.entries.iter().map(|&entry| f(entry)).collect(), ..*self }
    }

    pub fn transposed(&self) -> Self {
        Self::from_fn(self.columns, self.rows, |row, column| self.at(column, row))
    }

    pub fn apply(&self, x: &[f64]) -> Vec<f64> {
        assert_eq!(x.len(), self.columns);
        self.entries.chunks(self.columns).map(|row| row.iter().zip(x).map(|(a, b)| a * b).sum()).collect()
    }

    pub fn times(&self, other: &Matrix) -> Self {
        Self::from_fn(self.rows, other.columns, |row, column| {
            (0..self.columns).map(|k| self.at(row, k) * other.at(k, column)).sum()
        })
    }

    /// The matrix of a node that is linear in its first input, found by feeding unit vectors of `size` elements; `rest`
    /// are the node's other inputs.
    pub fn of_node(reference: &Reference, node: NodeId, size: usize, rest: &[&[f64]]) -> Self {
        let column = |index: usize| {
            let mut unit = vec![0.0; size];
            unit[index] = 1.0;
            reference.evaluate(node, &[&[unit.as_slice()], rest].concat())
        };
        let columns: Vec<Vec<f64>> = (0..size).map(column).collect();
        Self::from_fn(columns[0].len(), size, |row, column| columns[column][row])
    }
}
