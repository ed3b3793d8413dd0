//! A machine for the pickles that `torch.save` writes. It has their opcodes and no others, calls nothing, and knows a
//! few globals by name: of every other global, and of what is made with it, only the name is kept.
//!
//! Values refer to each other by index, so that neither nesting nor cycles need a stack; each costs at least a byte of
//! the pickle, and there is a most of everything.

use std::collections::HashMap;
use std::io::Read;

use super::CheckpointError;
use super::value::{Global, Id, MOST_NAME, Value, Values};

/// Most bytes of a pickle.
const MOST_BYTES: u64 = 1 << 25;
/// Most values, and most entries of the memo.
const MOST_VALUES: usize = 1 << 20;
/// Most lists, tuples and dictionaries that are open at a time.
const MOST_MARKS: usize = 1 << 10;

/// Reads one pickle from a stream and leaves the rest; adds its values to `values`. Says which of them it stands for,
/// and how many bytes it has.
pub(super) fn load(stream: &mut dyn Read, values: &mut Values) -> Result<(Id, u64), CheckpointError> {
    let (stack, marks, memo) = (Vec::new(), Vec::new(), HashMap::new());
    let mut machine = Machine { stream, at: 0, values, stack, marks, memo, pairs: 0 };
    while !machine.step()? {}
    Ok((machine.pop()?, machine.at))
}

struct Machine<'a> {
    stream: &'a mut dyn Read,
    /// Bytes read so far.
    at: u64,
    values: &'a mut Values,
    stack: Vec<Id>,
    /// Heights of the stack.
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
    /// Pairs that dictionaries were made of so far.
    pairs: usize,
}

type Step<T = ()> = Result<T, CheckpointError>;

impl Machine<'_> {
    /// Takes an opcode; true at the end.
    fn step(&mut self) -> Step<bool> {
        let at = self.at;
        let [opcode] = self.array()?;
        match opcode {
            b'.' => return Ok(true),
            0x80 => self.array::<1>().map(|_| ())?,
            b'(' => self.mark()?,
            b'N' => self.push(Value::None)?,
            0x88 | 0x89 => self.push(Value::Boolean(opcode == 0x88))?,
            b'K' => {
                self.array::<1>().map(|[byte]| i128::from(byte)).and_then(|number| self.push(Value::Integer(number)))?
            }
            b'M' => self.array().map(u16::from_le_bytes).and_then(|number| self.push(Value::Integer(number.into())))?,
            b'J' => self.array().map(i32::from_le_bytes).and_then(|number| self.push(Value::Integer(number.into())))?,
            0x8A => self.long()?,
            b'G' => self.array::<8>().and_then(|_| self.push(Value::Other))?,
            b'X' => self.text()?,
            b'c' => self.global()?,
            b'q' => self.array::<1>().and_then(|[index]| self.memorise(index.into()))?,
            b'r' => self.array().map(u32::from_le_bytes).and_then(|index| self.memorise(index))?,
            b'h' => self.array::<1>().and_then(|[index]| self.recall(index.into()))?,
            b'j' => self.array().map(u32::from_le_bytes).and_then(|index| self.recall(index))?,
            b')' => self.push(Value::Tuple(Box::default()))?,
            0x85..=0x87 => self.tuple(usize::from(opcode - 0x84))?,
            b't' => self.marked().and_then(|items| self.push(Value::Tuple(items.into())))?,
            b']' => self.push(Value::List(Vec::new()))?,
            b'a' => self.pop().and_then(|item| self.append(vec![item]))?,
            b'e' => self.marked().and_then(|items| self.append(items))?,
            b'}' => self.push(Value::Dictionary(Vec::new()))?,
            b's' => self.top(2).and_then(|items| self.set_items(items))?,
            b'u' => self.marked().and_then(|items| self.set_items(items))?,
            b'Q' => self.storage()?,
            b'R' | 0x81 => self.call()?,
            // The state of an object: nothing that is looked for.
            b'b' => self.pop().map(|_| ())?,
            opcode => return Err(CheckpointError::Opcode { opcode, at }),
        }
        Ok(false)
    }

    fn bytes(&mut self, count: u64) -> Step<Vec<u8>> {
        self.at = self.at.saturating_add(count);
        if self.at > MOST_BYTES {
            return Err(CheckpointError::TooMuch { what: "bytes of a pickle", most: MOST_BYTES });
        }
        let mut bytes = Vec::new();
        self.stream.take(count).read_to_end(&mut bytes)?;
        if bytes.len() as u64 == count { Ok(bytes) } else { Err(CheckpointError::damaged("the pickle is cut off")) }
    }

    fn array<const SIZE: usize>(&mut self) -> Step<[u8; SIZE]> {
        self.at += SIZE as u64;
        if self.at > MOST_BYTES {
            return Err(CheckpointError::TooMuch { what: "bytes of a pickle", most: MOST_BYTES });
        }
        let mut bytes = [0; SIZE];
        self.stream.read_exact(&mut bytes).map_err(|_| CheckpointError::damaged("the pickle is cut off"))?;
        Ok(bytes)
    }

    fn push(&mut self, value: Value) -> Step {
        if self.values.len() >= MOST_VALUES {
            return Err(CheckpointError::TooMuch { what: "values", most: MOST_VALUES as u64 });
        }
        let id = self.values.add(value);
        self.stack.push(id);
        Ok(())
    }

    fn pop(&mut self) -> Step<Id> {
        let bottom = self.marks.last().copied().unwrap_or(0);
        let id = self.stack.pop().filter(|_| self.stack.len() >= bottom);
        id.ok_or_else(|| CheckpointError::damaged("the pickle takes what it did not put down"))
    }

    /// The last so many values, in their order.
    fn top(&mut self, count: usize) -> Step<Vec<Id>> {
        let mut items = (0..count).map(|_| self.pop()).collect::<Step<Vec<Id>>>()?;
        items.reverse();
        Ok(items)
    }

    fn mark(&mut self) -> Step {
        if self.marks.len() >= MOST_MARKS {
            return Err(CheckpointError::TooMuch { what: "values within each other", most: MOST_MARKS as u64 });
        }
        self.marks.push(self.stack.len());
        Ok(())
    }

    /// Everything since the last mark.
    fn marked(&mut self) -> Step<Vec<Id>> {
        let mark = self.marks.pop().ok_or_else(|| CheckpointError::damaged("the pickle ends what it did not begin"))?;
        Ok(self.stack.split_off(mark.min(self.stack.len())))
    }

    fn memorise(&mut self, index: u32) -> Step {
        let id = *self.stack.last().ok_or_else(|| CheckpointError::damaged("the pickle keeps what is not there"))?;
        self.memo.insert(index, id);
        if self.memo.len() > MOST_VALUES {
            return Err(CheckpointError::TooMuch { what: "values to come back to", most: MOST_VALUES as u64 });
        }
        Ok(())
    }

    fn recall(&mut self, index: u32) -> Step {
        let id = self.memo.get(&index).copied();
        self.stack.push(id.ok_or_else(|| CheckpointError::damaged("the pickle comes back to what was not kept"))?);
        Ok(())
    }

    /// A number of up to 16 bytes, two's complement; longer ones are nothing that is looked for.
    fn long(&mut self) -> Step {
        let [length] = self.array()?;
        let bytes = self.bytes(length.into())?;
        let sign = if bytes.last().is_some_and(|byte| byte & 0x80 != 0) { 0xFF } else { 0 };
        let mut extended = [sign; 16];
        let Some(low) = extended.get_mut(..bytes.len()) else { return self.push(Value::Other) };
        low.copy_from_slice(&bytes);
        self.push(Value::Integer(i128::from_le_bytes(extended)))
    }

    fn text(&mut self) -> Step {
        let length = self.array().map(u32::from_le_bytes)?;
        let bytes = self.bytes(length.into())?;
        let text = String::from_utf8(bytes).map_err(|_| CheckpointError::damaged("a text is not UTF-8"))?;
        self.push(Value::Text(text.into()))
    }

    /// A module and a name in it, a line each.
    fn global(&mut self) -> Step {
        let [module, name] = [self.line()?, self.line()?];
        match Global::named(&module, &name) {
            Global::Quantised => Err(CheckpointError::Quantised),
            global => self.push(Value::Global(global)),
        }
    }

    fn line(&mut self) -> Step<String> {
        let mut line = Vec::new();
        loop {
            match self.array()? {
                [b'\n'] => return Ok(String::from_utf8_lossy(&line).into_owned()),
                [byte] => line.push(byte),
            }
            if line.len() > MOST_NAME {
                return Err(CheckpointError::TooMuch { what: "bytes of a name", most: MOST_NAME as u64 });
            }
        }
    }

    fn tuple(&mut self, count: usize) -> Step {
        let items = self.top(count)?;
        self.push(Value::Tuple(items.into()))
    }

    /// Adds items to the list on top; to something else, nothing.
    fn append(&mut self, items: Vec<Id>) -> Step {
        if let Value::List(list) = self.target()? {
            list.extend(items);
        }
        Ok(())
    }

    /// Adds keys and values, in turn, to the dictionary on top; to something else, nothing.
    fn set_items(&mut self, items: Vec<Id>) -> Step {
        if let Value::Dictionary(entries) = self.target()? {
            entries.extend(items.as_chunks().0.iter().map(|&[key, value]| (key, value)));
        }
        Ok(())
    }

    /// The value on top of the stack, to be added to.
    fn target(&mut self) -> Step<&mut Value> {
        let id = self.pop()?;
        self.stack.push(id);
        Ok(self.values.get_mut(id))
    }

    /// What a storage's description stands for: ("storage", its type, its key, where it was, its number of elements[, a
    /// part of it]).
    fn storage(&mut self) -> Step {
        let description = self.pop()?;
        let storage = self.values.storage(description);
        let storage = storage.ok_or_else(|| CheckpointError::damaged("a storage is not described as one"))?;
        self.push(Value::Storage(storage))
    }

    /// A global "called" with a tuple of arguments.
    fn call(&mut self) -> Step {
        let arguments = self.pop()?;
        let callee = self.pop()?;
        let made = match self.values.get(callee) {
            Value::Global(Global::Dictionary) => {
                let pairs = self.values.pairs(arguments);
                self.pairs = self.pairs.saturating_add(pairs.len());
                if self.pairs > MOST_VALUES {
                    return Err(CheckpointError::TooMuch { what: "values", most: MOST_VALUES as u64 });
                }
                Value::Dictionary(pairs)
            }
            Value::Global(Global::Tensor) => {
                let view = self.values.view(arguments);
                Value::Tensor(
                    view.map(Box::new).ok_or_else(|| CheckpointError::damaged("a tensor is not described as one"))?,
                )
            }
            Value::Global(Global::Parameter) => {
                let inner = self.values.items(arguments).first().copied();
                self.stack.push(inner.ok_or_else(|| CheckpointError::damaged("a parameter has no tensor"))?);
                return Ok(());
            }
            Value::Global(_) => Value::Object(callee),
            _ => Value::Other,
        };
        self.push(made)
    }
}
