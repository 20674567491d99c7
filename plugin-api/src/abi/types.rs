//! The flat types that cross: errors, records, numbers.

use abi_stable::std_types::{ROption, RResult, RString, RVec};
use abi_stable::StableAbi;

use crate::error::{ErrorKind, PluginError};
use crate::record::Record;
use crate::tensor::TensorHandle;

/// The result of everything that crosses.
pub type AbiResult<T> = RResult<T, AbiError>;

/// [`PluginError`] on the wire.
#[repr(C)]
#[derive(StableAbi)]
pub struct AbiError {
    kind: u32,
    message: RString,
    config_path: ROption<RString>,
    component: ROption<RString>,
    location: ROption<RString>,
    chain: RVec<RString>,
}

/// [`Record`] on the wire.
#[repr(C)]
#[derive(StableAbi)]
pub struct AbiRecord {
    tensors: RVec<NamedTensor>,
    texts: RVec<NamedText>,
}

#[repr(C)]
#[derive(StableAbi)]
struct NamedTensor {
    name: RString,
    tensor: TensorHandle,
}

#[repr(C)]
#[derive(StableAbi)]
struct NamedText {
    name: RString,
    text: RString,
}

/// A named number: a metric.
#[repr(C)]
#[derive(StableAbi)]
pub struct NamedNumber {
    pub name: RString,
    pub value: f64,
}

impl NamedNumber {
    pub fn all<'a>(values: impl IntoIterator<Item = (&'a String, &'a f64)>) -> RVec<NamedNumber> {
        values.into_iter().map(|(name, value)| NamedNumber { name: name.as_str().into(), value: *value }).collect()
    }
}

impl From<Record> for AbiRecord {
    fn from(record: Record) -> Self {
        let tensor = |(name, tensor): (String, _)| NamedTensor { name: name.into(), tensor: TensorHandle::new(tensor) };
        let text = |(name, text): (String, String)| NamedText { name: name.into(), text: text.into() };
        Self {
            tensors: record.tensors.into_iter().map(tensor).collect(),
            texts: record.texts.into_iter().map(text).collect(),
        }
    }
}

impl From<&AbiRecord> for Record {
    fn from(record: &AbiRecord) -> Self {
        Self {
            tensors: record.tensors.iter().map(|entry| (entry.name.to_string(), entry.tensor.tensor())).collect(),
            texts: record.texts.iter().map(|entry| (entry.name.to_string(), entry.text.to_string())).collect(),
        }
    }
}

// Kinds are numbers on the wire, so that an older reader meets a newer kind without harm.
impl ErrorKind {
    fn to_wire(self) -> u32 {
        match self {
            ErrorKind::Failed => 0,
            ErrorKind::InvalidParameter => 1,
            ErrorKind::InvalidData => 2,
            ErrorKind::Unsupported => 3,
            ErrorKind::Interrupted => 4,
            ErrorKind::Panicked => 5,
        }
    }

    fn from_wire(kind: u32) -> Self {
        let known = [
            ErrorKind::InvalidParameter,
            ErrorKind::InvalidData,
            ErrorKind::Unsupported,
            ErrorKind::Interrupted,
            ErrorKind::Panicked,
        ];
        known.into_iter().find(|known| known.to_wire() == kind).unwrap_or(ErrorKind::Failed)
    }
}

impl From<PluginError> for AbiError {
    fn from(error: PluginError) -> Self {
        let optional = |text: Option<Box<str>>| text.map(|text| RString::from(&*text)).into();
        Self {
            kind: error.kind.to_wire(),
            message: error.message.into(),
            config_path: optional(error.config_path),
            component: optional(error.component),
            location: optional(error.location),
            chain: error.chain.into_iter().map(RString::from).collect(),
        }
    }
}

impl From<AbiError> for PluginError {
    fn from(error: AbiError) -> Self {
        let optional = |text: ROption<RString>| text.into_option().map(|text| Box::from(text.as_str()));
        Self {
            kind: ErrorKind::from_wire(error.kind),
            message: error.message.into(),
            config_path: optional(error.config_path),
            component: optional(error.component),
            location: optional(error.location),
            chain: error.chain.into_iter().map(String::from).collect(),
        }
    }
}

/// From the wire: the consumer's side of every call.
pub(crate) fn from_wire<T>(result: AbiResult<T>) -> crate::error::Result<T> {
    result.into_result().map_err(PluginError::from)
}

/// To the wire: the producer's side.
pub(crate) fn to_wire<T>(result: crate::error::Result<T>) -> AbiResult<T> {
    result.map_err(AbiError::from).into()
}
