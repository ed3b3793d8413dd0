//! What a pickle can stand for, as far as weights have to do with it.

use crate::models::weights::stored::Element;

/// Most dimensions of a tensor.
const MOST_DIMENSIONS: usize = 16;

/// Longest name, of tensors, classes and storages, in bytes.
pub(super) const MOST_NAME: usize = 1 << 10;

/// Index of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Id(u32);

/// A value. Others that it holds are named by index.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    None,
    Boolean(bool),
    Integer(i128),
    Text(Box<str>),
    Tuple(Box<[Id]>),
    List(Vec<Id>),
    /// Keys and values in their order.
    Dictionary(Vec<(Id, Id)>),
    Global(Global),
    Storage(Storage),
    Tensor(Box<View>),
    /// What a global that is not known was called for.
    Object(Id),
    /// Something else.
    Other,
}

/// A class or function, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Global {
    /// `collections.OrderedDict`
    Dictionary,
    /// `torch._utils._rebuild_tensor`, `_rebuild_tensor_v2`
    Tensor,
    /// `torch._utils._rebuild_parameter`
    Parameter,
    /// A type of storages.
    Storage(Element),
    /// Quantised tensors or their storages.
    Quantised,
    /// Any other, with its module.
    Foreign(Box<str>),
}

impl Global {
    pub fn named(module: &str, name: &str) -> Self {
        let element = name.strip_suffix("Storage").filter(|_| matches!(module, "torch" | "torch.cuda"));
        match (module, name) {
            ("collections", "OrderedDict") => Self::Dictionary,
            ("torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2") => Self::Tensor,
            ("torch._utils", "_rebuild_parameter") => Self::Parameter,
            ("torch._utils", "_rebuild_qtensor") => Self::Quantised,
            ("torch", name) if name.starts_with('Q') && name.ends_with("Storage") => Self::Quantised,
            _ => match element.and_then(self::element) {
                Some(element) => Self::Storage(element),
                None => Self::Foreign(format!("{module}.{name}").into()),
            },
        }
    }
}

/// The elements of a storage, by the first part of its type's name.
fn element(name: &str) -> Option<Element> {
    Some(match name {
        "Double" => Element::F64,
        "Float" => Element::F32,
        "Half" => Element::F16,
        "BFloat16" => Element::BF16,
        "Long" => Element::Other("I64", 8),
        "Int" => Element::Other("I32", 4),
        "Short" => Element::Other("I16", 2),
        "Char" => Element::Other("I8", 1),
        "Byte" => Element::Other("U8", 1),
        "Bool" => Element::Other("BOOL", 1),
        "ComplexFloat" => Element::Other("C64", 8),
        "ComplexDouble" => Element::Other("C128", 16),
        _ => return None,
    })
}

/// Elements one behind the other, in the file under a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Storage {
    /// A text.
    pub key: Id,
    pub element: Element,
    /// Number of elements of the whole storage.
    pub count: u64,
    /// Elements of the whole storage before this one's first.
    pub offset: u64,
}

/// A tensor: some elements of a storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct View {
    pub storage: Storage,
    /// Elements before the first.
    pub offset: u64,
    pub shape: Box<[usize]>,
    /// Elements between neighbours along each dimension.
    pub strides: Box<[usize]>,
}

/// All values of a file.
#[derive(Default)]
pub(super) struct Values(Vec<Value>);

impl Values {
    pub fn add(&mut self, value: Value) -> Id {
        self.0.push(value);
        Id(self.0.len() as u32 - 1)
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn get(&self, id: Id) -> &Value {
        &self.0[id.0 as usize]
    }

    pub fn get_mut(&mut self, id: Id) -> &mut Value {
        &mut self.0[id.0 as usize]
    }

    /// Key and elements of every storage that is mentioned.
    pub fn storages(&self) -> impl Iterator<Item = (&str, Element)> {
        self.0.iter().filter_map(|value| match value {
            Value::Storage(storage) => Some((self.text(storage.key)?, storage.element)),
            _ => None,
        })
    }

    /// The items of a tuple or list; none of something else.
    pub fn items(&self, id: Id) -> &[Id] {
        match self.get(id) {
            Value::Tuple(items) => items,
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// A text that is short enough for a name.
    pub fn text(&self, id: Id) -> Option<&str> {
        match self.get(id) {
            Value::Text(text) if text.len() <= MOST_NAME => Some(text),
            _ => None,
        }
    }

    /// A number that is not negative.
    pub fn number(&self, id: Id) -> Option<u64> {
        match *self.get(id) {
            Value::Integer(number) => number.try_into().ok(),
            _ => None,
        }
    }

    fn sizes(&self, id: Id) -> Option<Box<[usize]>> {
        let items = Some(self.items(id)).filter(|items| items.len() <= MOST_DIMENSIONS)?;
        items.iter().map(|&id| usize::try_from(self.number(id)?).ok()).collect()
    }

    /// The keys and values of a list of pairs that a dictionary is made of, if there is one among the arguments.
    pub fn pairs(&self, arguments: Id) -> Vec<(Id, Id)> {
        let pairs = self.items(arguments).first().map_or(&[][..], |&list| self.items(list));
        pairs
            .iter()
            .filter_map(|&pair| <[Id; 2]>::try_from(self.items(pair)).ok())
            .map(|[key, value]| (key, value))
            .collect()
    }

    /// What ("storage", type, key, device, count) describes, or, in older files, ("storage", type, key, device, count,
    /// part) with a part that is nothing or (key, offset, count).
    pub fn storage(&self, description: Id) -> Option<Storage> {
        let &[tag, class, key, _, count, ref part @ ..] = self.items(description) else { return None };
        let element = match self.get(class) {
            Value::Global(Global::Storage(element)) => *element,
            _ => return None,
        };
        let offset = match part.first().map(|&part| self.items(part)) {
            Some(&[_, offset, _]) => self.number(offset)?,
            Some(_) | None => 0,
        };
        self.text(key)?;
        (self.text(tag) == Some("storage")).then_some(Storage { key, element, count: self.number(count)?, offset })
    }

    /// What (storage, offset, shape, strides, ...) describes.
    pub fn view(&self, arguments: Id) -> Option<View> {
        let &[storage, offset, shape, strides, ..] = self.items(arguments) else { return None };
        let Value::Storage(storage) = self.get(storage) else { return None };
        let (shape, strides) = (self.sizes(shape)?, self.sizes(strides)?);
        let offset = self.number(offset)?.checked_add(storage.offset)?;
        (shape.len() == strides.len()).then_some(View { storage: *storage, offset, shape, strides })
    }
}
