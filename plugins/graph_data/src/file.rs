//! Records as safetensors files: tensors under their names, texts in the metadata. [`columns`] keeps plain numbers in such files.
//!
//! Files are written tensor by tensor and opened by memory map, so that neither takes memory of its own.

pub mod columns;
mod writer;

use std::io::Read;
use std::path::Path;

use plugin_api::error::{Result, ResultExt};
use plugin_api::record::Record;
use plugin_api::{tensor, PluginError};
use safetensors::tensor::Metadata;
use safetensors::{Dtype, SafeTensors};
use sha2::{Digest, Sha256};
use tch::Kind;

use writer::Array;

/// Writes a record whole or not at all: beside its place, then renamed.
///
/// # Errors
/// If the file cannot be written, or a tensor is of a kind that the format lacks.
pub fn write(path: &Path, record: &Record) -> Result<()> {
    let attempt = || writer::write(path, arrays(record)?, &record.texts);
    attempt().context(path.display().to_string())
}

/// Writes a record into an open file, for example one that two processes share.
///
/// # Errors
/// If it cannot be written, or a tensor is of a kind that the format lacks.
pub fn write_to(file: &mut impl std::io::Write, record: &Record) -> Result<()> {
    writer::write_to(file, arrays(record)?, &record.texts)
}

fn arrays(record: &Record) -> Result<Vec<(String, Array<'_>)>> {
    record.tensors.iter().map(|(name, tensor)| Ok((name.clone(), Array::of_tensor(tensor)?))).collect()
}

/// Reads a record. Its tensors lie over the mapped file, which stays mapped until the process ends: nothing is read before it is
/// used, and what is written to a tensor stays in this process.
///
/// # Errors
/// If the file cannot be read or is no whole safetensors file.
pub fn read(path: &Path) -> Result<Record> {
    let attempt = || -> Result<Record> {
        let map = Box::leak(Box::new(kernels::mapped::private(path)?));
        let bytes: &'static mut [u8] = map;
        let (header_len, metadata) = header(bytes)?;
        let texts = metadata.metadata().clone().unwrap_or_default().into_iter().collect();
        let mut infos: Vec<_> = metadata.tensors().into_iter().collect();
        infos.sort_by_key(|(_, info)| info.data_offsets);
        let (mut rest, mut begin) = (&mut bytes[header_len..], 0);
        let mut record = Record { texts, ..Record::default() };
        for (name, info) in infos {
            // The header was checked: tensors follow one another up to the end of the file.
            let (bytes, after) = rest.split_at_mut(info.data_offsets.1 - begin);
            (rest, begin) = (after, info.data_offsets.1);
            let shape = info.shape.iter().map(|size| Ok(i64::try_from(*size)?)).collect::<Result<Vec<_>>>()?;
            let tensor = tensor::over(bytes, kind(info.dtype)?, &shape).context(format!("tensor `{name}`"))?;
            record.tensors.insert(name, tensor);
        }
        Ok(record)
    };
    attempt().context(path.display().to_string())
}

/// The length of the header with what is before it, and what it says; checked against the length of the file.
fn header(bytes: &[u8]) -> Result<(usize, Metadata)> {
    let (len, metadata) = SafeTensors::read_metadata(bytes)
        .map_err(|error| PluginError::invalid_data(format!("no whole safetensors file: {error}")))?;
    Ok((size_of::<u64>() + len, metadata))
}

/// libtorch's name of a format's type.
fn kind(dtype: Dtype) -> Result<Kind> {
    KINDS.iter().find(|(_, other)| *other == dtype).map(|(kind, _)| *kind).ok_or_else(|| {
        PluginError::unsupported(format!("tensors of type {dtype:?} cannot be read; there are: {KINDS:?}"))
    })
}

const KINDS: [(Kind, Dtype); 10] = [
    (Kind::Float, Dtype::F32),
    (Kind::Double, Dtype::F64),
    (Kind::Half, Dtype::F16),
    (Kind::BFloat16, Dtype::BF16),
    (Kind::Int64, Dtype::I64),
    (Kind::Int, Dtype::I32),
    (Kind::Int16, Dtype::I16),
    (Kind::Int8, Dtype::I8),
    (Kind::Uint8, Dtype::U8),
    (Kind::Bool, Dtype::BOOL),
];

/// The SHA-256 of a file, in hex.
///
/// # Errors
/// If it cannot be read.
pub fn sha256(path: &Path) -> std::io::Result<String> {
    let (mut file, mut hasher) = (std::fs::File::open(path)?, Sha256::new());
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            n => hasher.update(&buffer[..n]),
        }
    }
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use tch::Tensor;

    use super::*;

    #[test]
    fn what_is_written_is_read_and_a_damaged_file_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/graph.safetensors");
        let mut record = Record::default();
        record.set_tensor("edge_index", &Tensor::from_slice(&[0i64, 1, 2, 3]).view([2, 2]));
        record.set_tensor("mask", &Tensor::from_slice(&[true, false, true]));
        record.set_tensor("none", &Tensor::zeros([2, 0], (Kind::Int64, tch::Device::Cpu)));
        record.set_tensor("turned", &Tensor::arange(6, (Kind::Float, tch::Device::Cpu)).view([2, 3]).transpose(0, 1));
        record.set_tensor("scalar", &Tensor::from(0.25f64));
        record.set_tensor("x", &Tensor::from_slice(&[0.5f32]).set_requires_grad(true));
        record.set_text("titles", "Toy Story (1995)\nAmélie \"2\"");
        write(&path, &record).unwrap_or_else(|error| panic!("{error}"));
        let read_back = read(&path).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(read_back.texts, record.texts);
        assert_eq!(read_back.tensors, record.tensors);
        let bytes = std::fs::read(&path).unwrap();
        for length in [0, 5, 20, bytes.len() - 1] {
            std::fs::write(&path, &bytes[..length]).unwrap();
            assert!(read(&path).is_err(), "{length} of {} bytes were read", bytes.len());
        }
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "a temporary file was left");
    }

    #[test]
    fn other_readers_read_it_and_writing_to_a_tensor_leaves_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("graph.safetensors");
        let mut record = Record::default();
        // More than one block of the writer.
        record.set_tensor("long", &Tensor::arange(1_000_000, (Kind::Int64, tch::Device::Cpu)).view([1000, 1000]));
        record.set_tensor("byte", &Tensor::from_slice(&[3u8]));
        (0..9).for_each(|number| record.set_text(format!("text {number}"), number));
        write(&path, &record).unwrap_or_else(|error| panic!("{error}"));
        let bytes = std::fs::read(&path).unwrap();
        write(&path, &record).unwrap_or_else(|error| panic!("{error}"));
        assert!(std::fs::read(&path).unwrap() == bytes, "the same content is the same file");
        let mut read_back = read(&path).unwrap_or_else(|error| panic!("{error}"));
        for tensor in read_back.tensors.values_mut() {
            let _ = tensor.fill_(0);
        }
        let others: std::collections::BTreeMap<_, _> = Tensor::read_safetensors(&path).unwrap().into_iter().collect();
        assert_eq!(others, record.tensors);
    }
}
