//! A bound on what a file can become in memory: an empty message takes two bytes of a file, but hundreds here.

use prost::bytes::{Buf, Bytes};

/// As many fields of one byte may stand in a file, and in an empty message stand two. A node has about forty.
const MOST_SMALL: usize = 1 << 18;

/// Bytes that end early where too many of them are fields of one byte.
pub(super) struct Limited<B> {
    bytes: B,
    small: usize,
}

impl<B: Buf> Limited<B> {
    pub fn new(bytes: B) -> Self {
        Self { bytes, small: 0 }
    }

    /// Why the bytes ended early; `None` where they did not.
    pub fn excess(&self) -> Option<String> {
        let reason = || format!("it has more than {MOST_SMALL} fields of one byte, as no classifier has");
        (self.small > MOST_SMALL).then(reason)
    }

    pub fn into_inner(self) -> B {
        self.bytes
    }
}

impl<B: Buf> Buf for Limited<B> {
    fn remaining(&self) -> usize {
        if self.small > MOST_SMALL { 0 } else { self.bytes.remaining() }
    }

    fn chunk(&self) -> &[u8] {
        if self.small > MOST_SMALL { &[] } else { self.bytes.chunk() }
    }

    fn advance(&mut self, count: usize) {
        let taken = self.bytes.chunk().get(..count).unwrap_or_default();
        if count == 1 || is_padded(taken) {
            self.small += 1;
        }
        self.bytes.advance(count);
    }

    fn copy_to_bytes(&mut self, count: usize) -> Bytes {
        self.bytes.copy_to_bytes(count)
    }
}

/// Whether these bytes are a number of protobuf's that fewer could write.
fn is_padded(bytes: &[u8]) -> bool {
    match bytes.split_last() {
        Some((0, before)) => before.len() < 10 && before.iter().all(|byte| byte & 0x80 != 0),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::proto::{ModelProto, TensorProto};
    use super::*;
    use prost::Message;

    /// A model whose graph has so many empty nodes, with both numbers of each padded.
    fn empty_nodes(count: usize, padding: usize) -> Bytes {
        let number = |value: u8| {
            let mut bytes = vec![value];
            for _ in 0..padding {
                *bytes.last_mut().unwrap() |= 0x80;
                bytes.push(0);
            }
            bytes
        };
        let graph = [number(0x0a), number(0)].concat().repeat(count);
        let mut model = vec![0x3a];
        prost::encoding::encode_varint(graph.len() as u64, &mut model);
        model.extend(graph);
        model.into()
    }

    #[test]
    fn files_of_empty_messages_end_early() {
        for padding in [0, 1, 3] {
            let mut bytes = Limited::new(empty_nodes(MOST_SMALL / 2 + 1, padding));
            // What was taken until then may be a whole message or not.
            let _ = ModelProto::decode(&mut bytes);
            assert!(bytes.excess().unwrap().contains("262144"), "{padding}");
        }
        let mut bytes = Limited::new(empty_nodes(1000, 0));
        assert_eq!(ModelProto::decode(&mut bytes).unwrap().graph.unwrap().node.len(), 1000);
        assert!(bytes.excess().is_none());
    }

    /// Values that are no small fields, however many: floats, zeros among them, and numbers of several bytes.
    #[test]
    fn values_of_tensors_are_not_counted() {
        let count = MOST_SMALL + 10;
        let tensor = TensorProto {
            float_data: (0..count).map(|index| (index % 3) as f32).collect(),
            int32_data: (0..count).map(|index| 15_360 + (index % 100) as i32).collect(),
            ..Default::default()
        };
        let mut bytes = Limited::new(Bytes::from(tensor.encode_to_vec()));
        assert!(TensorProto::decode(&mut bytes).unwrap() == tensor);
        assert!(bytes.excess().is_none());
    }
}
