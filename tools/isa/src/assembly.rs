//! AMD assembly: blocks, loops, and what the hot loop is made of.
//!
//! The driver prints blocks in program order, each behind a label `BBn:`, one instruction a line with its encoding
//! behind `;`. A branch to an earlier label closes a loop. The hot loop is the innermost loop with most fused
//! multiply-adds.

use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// One block: what runs from its label to the next.
#[derive(Clone, Debug, Default, PartialEq)]
struct Block {
    instructions: Vec<Instruction>,
    /// Blocks that may follow.
    successors: Vec<usize>,
}

#[derive(Clone, Debug, PartialEq)]
struct Instruction {
    mnemonic: String,
    count: Count,
    target: Option<String>,
}

/// How many instructions and operations there are. An instruction that issues two operations (`v_dual_...`,
/// `v_pk_fma...`) counts as one instruction and two operations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// Everything that takes an issue slot.
    pub instructions: u32,
    /// Operations of all instructions.
    pub operations: u32,
    /// Those of them that the vector unit does, loads and stores left out.
    pub vector: u32,
    /// Those of them that are floating-point multiply-adds.
    pub fused: u32,
}

impl Count {
    fn add(&mut self, other: Count) {
        self.instructions += other.instructions;
        self.operations += other.operations;
        self.vector += other.vector;
        self.fused += other.fused;
    }

    /// Multiply-adds over all operations, 0 to 1.
    pub fn share(&self) -> f64 {
        f64::from(self.fused) / f64::from(self.operations.max(1))
    }

    /// Multiply-adds over the operations of the vector unit, 0 to 1.
    pub fn share_of_vector(&self) -> f64 {
        f64::from(self.fused) / f64::from(self.vector.max(1))
    }

    /// Multiply-adds per instruction, 0 to 2.
    pub fn per_instruction(&self) -> f64 {
        f64::from(self.fused) / f64::from(self.instructions.max(1))
    }
}

/// The loop in which the multiply-adds are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HotLoop {
    /// What runs in every iteration.
    pub always: Count,
    /// What stands in the loop as well, but only behind a branch.
    pub sometimes: Count,
}

/// The hot loop of a shader's assembly; `None` where no loop has a multiply-add.
pub fn hot_loop(assembly: &str) -> Option<HotLoop> {
    let blocks = parse(assembly);
    let loops = loops(&blocks);
    let innermost = loops.iter().filter(|outer| !loops.iter().any(|inner| inner != *outer && contains(outer, inner)));
    let counted = innermost.map(|&(first, last)| count(&blocks, first, last));
    counted.filter(|found| found.always.fused + found.sometimes.fused > 0).max_by_key(|found| found.always.fused)
}

fn contains(outer: &(usize, usize), inner: &(usize, usize)) -> bool {
    outer.0 <= inner.0 && inner.1 <= outer.1
}

fn parse(assembly: &str) -> Vec<Block> {
    let mut blocks = vec![Block::default()];
    let mut block_of = HashMap::new();
    for line in assembly.lines() {
        let line = line.split(';').next().unwrap_or_default().trim();
        if let Some(label) = line.strip_suffix(':') {
            block_of.insert(label.to_string(), blocks.len());
            blocks.push(Block::default());
        } else if let (Some(instruction), Some(block)) = (Instruction::parse(line), blocks.last_mut()) {
            block.instructions.push(instruction);
        }
    }
    for index in 0..blocks.len() {
        blocks[index].successors = successors(&blocks[index], index, blocks.len(), &block_of);
    }
    blocks
}

fn successors(block: &Block, index: usize, blocks: usize, block_of: &HashMap<String, usize>) -> Vec<usize> {
    let mut successors = Vec::new();
    for instruction in &block.instructions {
        let target = instruction.target.as_ref().and_then(|target| block_of.get(target));
        successors.extend(target.copied());
        if matches!(instruction.mnemonic.as_str(), "s_branch" | "s_endpgm") {
            return successors;
        }
    }
    if index + 1 < blocks {
        successors.push(index + 1);
    }
    successors
}

impl Instruction {
    fn parse(line: &str) -> Option<Self> {
        let mnemonic = line.split_whitespace().next()?.to_string();
        let is_branch = mnemonic.starts_with("s_cbranch") || mnemonic == "s_branch";
        let target = if is_branch { line.split_whitespace().last().map(String::from) } else { None };
        let mut count = Count { instructions: 1, ..Count::default() };
        for operation in line.split("::").filter_map(|half| half.split_whitespace().next()) {
            let operations = if operation.starts_with("v_pk_") { 2 } else { 1 };
            count.operations += operations;
            count.vector += if operation.starts_with("v_") { operations } else { 0 };
            count.fused += if is_fused(operation) { operations } else { 0 };
        }
        Some(Self { mnemonic, count, target })
    }
}

/// A floating-point multiply-add of the vector unit, under its names in all generations; `mix` takes f16 operands as
/// f32.
fn is_fused(mnemonic: &str) -> bool {
    let name = mnemonic.trim_start_matches("v_").trim_start_matches("dual_").trim_start_matches("pk_");
    let (operation, kind) = name.split_once('_').unwrap_or((name, ""));
    mnemonic.starts_with("v_")
        && matches!(operation, "fma" | "fmac" | "fmaak" | "fmamk" | "mac" | "mad" | "madak" | "madmk")
        && (kind.starts_with("f32") || kind.starts_with("f16") || kind.starts_with("mix_f32"))
}

/// First and last block of every loop: a branch back, and where it goes. Branches to one place are one loop.
fn loops(blocks: &[Block]) -> Vec<(usize, usize)> {
    let mut last_of: HashMap<usize, usize> = HashMap::new();
    for (index, block) in blocks.iter().enumerate() {
        for &target in block.successors.iter().filter(|&&target| target <= index) {
            let last = last_of.entry(target).or_insert(index);
            *last = (*last).max(index);
        }
    }
    last_of.into_iter().collect()
}

/// Blocks that every way from the first block back to it passes run in every iteration.
fn count(blocks: &[Block], first: usize, last: usize) -> HotLoop {
    let mut found = HotLoop::default();
    for index in first..=last {
        let total = if returns_without(blocks, first, last, index) { &mut found.sometimes } else { &mut found.always };
        for instruction in &blocks[index].instructions {
            total.add(instruction.count);
        }
    }
    found
}

/// Whether there is a way from `first` back to `first` inside the loop that avoids `avoided`.
fn returns_without(blocks: &[Block], first: usize, last: usize, avoided: usize) -> bool {
    if avoided == first {
        return false;
    }
    let mut seen = vec![false; blocks.len()];
    let mut open = vec![first];
    while let Some(index) = open.pop() {
        for &next in blocks[index].successors.iter().filter(|&&next| next != avoided) {
            if next == first {
                return true;
            }
            if (first..=last).contains(&next) && !std::mem::replace(&mut seen[next], true) {
                open.push(next);
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_counted_by_kind() {
        let count = |line| Instruction::parse(line).expect("an instruction").count;
        let of = |instructions, operations, vector, fused| Count { instructions, operations, vector, fused };
        assert_eq!(count("v_fmac_f32_e32 v1, s4, v2"), of(1, 1, 1, 1));
        assert_eq!(count("v_fma_f32 v1, s4, v2, v3"), of(1, 1, 1, 1));
        assert_eq!(count("v_fmaak_f32 v1, v2, v3, 0x40490fdb"), of(1, 1, 1, 1));
        assert_eq!(count("v_mac_f32_e32 v1, s4, v2"), of(1, 1, 1, 1));
        assert_eq!(count("v_pk_fma_f16 v1, v2, v3, v4"), of(1, 2, 2, 2));
        assert_eq!(count("v_pk_add_f16 v1, v2, v3"), of(1, 2, 2, 0));
        assert_eq!(count("v_dual_fmac_f32 v1, s4, v2 :: v_dual_fmac_f32 v3, s4, v5"), of(1, 2, 2, 2));
        assert_eq!(count("v_dual_fmac_f32 v1, s4, v2 :: v_dual_mov_b32 v3, 0"), of(1, 2, 2, 1));
        assert_eq!(count("v_dual_mul_f32 v1, s4, v2 :: v_dual_add_f32 v3, v4, v5"), of(1, 2, 2, 0));
        assert_eq!(count("v_mad_u32_u24 v1, v2, v3, v4"), of(1, 1, 1, 0));
        assert_eq!(count("v_fma_mix_f32 v1, v2, v3, v4"), of(1, 1, 1, 1));
        assert_eq!(count("s_fmac_f32 s1, s2, s3"), of(1, 1, 0, 0));
        assert_eq!(count("s_waitcnt lgkmcnt(0)"), of(1, 1, 0, 0));
    }

    /// Two nested loops and a block in the inner one that runs only sometimes, as the driver prints them.
    const NESTED: &str = "
BB0:
\ts_mov_b32 s0, 0                       ; be800380
BB1:
\ts_add_u32 s0, s0, 1
\tv_fmac_f32_e32 v9, v9, v9
BB2:
\ts_cmp_ge_u32 s1, s2                   ; bf090201
\ts_cbranch_scc1 BB6                    ; bfa2029f
BB3:
\tbuffer_load_dwordx4 v[4:7], v1, s[8:11], 0 offen
\tv_fmac_f32_e32 v1, s4, v2
\tv_dual_fmac_f32 v1, s4, v2 :: v_dual_fmac_f32 v3, s4, v5
\ts_cbranch_scc0 BB5
BB4:
\tv_add_f32_e32 v1, v1, v2
\tv_add_f32_e32 v1, v1, v2
BB5:
\ts_branch BB2
BB6:
\ts_cbranch_scc1 BB1
BB7:
\ts_endpgm
";

    #[test]
    fn the_hot_loop_is_the_innermost_one_with_most_multiply_adds() {
        let found = hot_loop(NESTED).expect("a loop");
        assert_eq!(found.always, Count { instructions: 7, operations: 8, vector: 3, fused: 3 });
        assert_eq!(found.sometimes, Count { instructions: 2, operations: 2, vector: 2, fused: 0 });
        assert!((found.always.share() - 3.0 / 8.0).abs() < 1e-12);
        assert!((found.always.per_instruction() - 3.0 / 7.0).abs() < 1e-12);
    }

    #[test]
    fn a_larger_loop_without_arithmetic_is_not_hot() {
        let text = "BB0:\n v_mov_b32 v1, 0\n s_cbranch_scc1 BB0\n\
                    BB1:\n v_fma_f32 v1, v1, v1, v1\n s_cbranch_vccz BB1\n\
                    BB2:\n s_endpgm";
        let found = hot_loop(text).expect("a loop");
        assert_eq!(found.always, Count { instructions: 2, operations: 2, vector: 1, fused: 1 });
    }

    #[test]
    fn shaders_without_loops_or_multiply_adds_have_none() {
        assert_eq!(hot_loop(""), None);
        assert_eq!(hot_loop("BB0:\n v_fma_f32 v1, v1, v1, v1\n s_endpgm"), None);
        assert_eq!(hot_loop("BB0:\n v_add_f32 v1, v1, v1\n s_cbranch_scc1 BB0\nBB1:\n s_endpgm"), None);
    }
}
