//! Records as safetensors files: tensors under their names, texts in the metadata.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::io::Read;
use std::path::Path;

use plugin_api::error::{Result, ResultExt};
use plugin_api::record::Record;
use plugin_api::PluginError;
use safetensors::tensor::Metadata;
use safetensors::{Dtype, View};
use sha2::{Digest, Sha256};
use tch::{Kind, Tensor};

/// Writes a record whole or not at all: beside its place, then renamed.
///
/// # Errors
/// If the file cannot be written, or a tensor is of a kind that the format lacks.
pub fn write(path: &Path, record: &Record) -> Result<()> {
    let views: Vec<_> =
        record.tensors.iter().map(|(name, tensor)| Ok((name, Bytes::new(tensor)?))).collect::<Result<_>>()?;
    let texts: HashMap<_, _> = record.texts.clone().into_iter().collect();
    let folder = path.parent().unwrap_or(Path::new("."));
    let attempt = || -> Result<()> {
        std::fs::create_dir_all(folder)?;
        // Not private, as temporary files are by default: this one follows the umask.
        let readable = std::os::unix::fs::PermissionsExt::from_mode(0o666);
        let staged = tempfile::Builder::new().permissions(readable).tempfile_in(folder)?;
        safetensors::serialize_to_file(views, Some(texts), staged.path())?;
        staged.persist(path)?;
        Ok(())
    };
    attempt().context(path.display().to_string())
}

/// Reads a record.
///
/// # Errors
/// If the file cannot be read or is no whole safetensors file.
pub fn read(path: &Path) -> Result<Record> {
    let attempt = || -> Result<Record> {
        let texts = read_texts(path)?;
        Ok(Record { tensors: Tensor::read_safetensors(path)?.into_iter().collect(), texts })
    };
    attempt().context(path.display().to_string())
}

/// The metadata, from the head of the file; the tensors are read, and checked, by libtorch's bindings.
fn read_texts(path: &Path) -> Result<BTreeMap<String, String>> {
    let mut file = std::fs::File::open(path)?;
    let size = file.metadata()?.len();
    let mut length = [0; 8];
    file.read_exact(&mut length)
        .map_err(|_| PluginError::invalid_data("no safetensors file: it is shorter than 8 bytes"))?;
    let length = u64::from_le_bytes(length);
    if length > size {
        return Err(PluginError::invalid_data("no whole safetensors file: its header is longer than the file"));
    }
    let mut header = Vec::new();
    file.take(length).read_to_end(&mut header)?;
    let header: Metadata = serde_json::from_slice(&header)?;
    Ok(header.metadata().clone().unwrap_or_default().into_iter().collect())
}

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

/// A tensor as the format wants it: row-major bytes.
struct Bytes {
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl Bytes {
    fn new(tensor: &Tensor) -> Result<Self> {
        let dtype = match tensor.f_kind()? {
            Kind::Float => Dtype::F32,
            Kind::Double => Dtype::F64,
            Kind::Int64 => Dtype::I64,
            Kind::Int => Dtype::I32,
            Kind::Uint8 => Dtype::U8,
            Kind::Bool => Dtype::BOOL,
            kind => return Err(PluginError::unsupported(format!("tensors of kind {kind:?} cannot be stored"))),
        };
        let shape = tensor.size().into_iter().map(|size| size as usize).collect();
        let flat = tensor.f_detach()?.f_to_device(tch::Device::Cpu)?.f_contiguous()?.f_view([-1])?;
        let bytes = Vec::<u8>::try_from(flat.f_view_dtype(Kind::Uint8)?)?;
        Ok(Self { dtype, shape, bytes })
    }
}

impl View for Bytes {
    fn dtype(&self) -> Dtype {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.bytes)
    }

    fn data_len(&self) -> usize {
        self.bytes.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_a_damaged_file_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/graph.safetensors");
        let mut record = Record::default();
        record.set_tensor("edge_index", &Tensor::from_slice(&[0i64, 1, 2, 3]).view([2, 2]));
        record.set_tensor("none", &Tensor::zeros([2, 0], (Kind::Int64, tch::Device::Cpu)));
        record.set_tensor("x", &Tensor::from_slice(&[0.5f32]));
        record.set_text("titles", "Toy Story (1995)\nAmélie");
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
}
