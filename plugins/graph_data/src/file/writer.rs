//! Writes safetensors files a block at a time, from tensors or plain numbers.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use plugin_api::error::Result;
use plugin_api::PluginError;
use safetensors::tensor::TensorInfo;
use safetensors::Dtype;
use tch::{Device, Kind, Tensor};

/// Elements copied out of a tensor at a time.
const BLOCK: i64 = 1 << 17;

/// What is stored under a name.
pub enum Array<'a> {
    Tensor {
        dtype: Dtype,
        shape: Vec<usize>,
        /// Contiguous, on the CPU, `[n]`.
        flat: Tensor,
    },
    /// A column of numbers.
    Column { dtype: Dtype, n: usize, bytes: &'a [u8] },
}

impl Array<'_> {
    /// # Errors
    /// If the tensor is of a kind that the format lacks.
    pub fn of_tensor(tensor: &Tensor) -> Result<Self> {
        let kind = tensor.f_kind()?;
        let dtype = super::KINDS.iter().find(|(other, _)| *other == kind).map(|(_, dtype)| *dtype);
        let unsupported = || PluginError::unsupported(format!("tensors of kind {kind:?} cannot be stored"));
        Ok(Self::Tensor {
            dtype: dtype.ok_or_else(unsupported)?,
            shape: tensor.size().into_iter().map(|size| size as usize).collect(),
            flat: tensor.f_detach()?.f_to_device(Device::Cpu)?.f_contiguous()?.f_view([-1])?,
        })
    }

    fn dtype(&self) -> Dtype {
        match self {
            Self::Tensor { dtype, .. } | Self::Column { dtype, .. } => *dtype,
        }
    }

    fn shape(&self) -> Vec<usize> {
        match self {
            Self::Tensor { shape, .. } => shape.clone(),
            Self::Column { n, .. } => vec![*n],
        }
    }

    fn write_to(&self, file: &mut impl Write) -> Result<()> {
        let flat = match self {
            Self::Column { bytes, .. } => return Ok(file.write_all(bytes)?),
            Self::Tensor { flat, .. } => flat,
        };
        let (n, mut buffer) = (flat.size()[0], Vec::new());
        for begin in (0..n).step_by(BLOCK as usize) {
            let block = flat.f_narrow(0, begin, BLOCK.min(n - begin))?;
            let block = if block.f_kind()? == Kind::Bool { block.f_view_dtype(Kind::Uint8)? } else { block };
            buffer.resize(block.numel() * block.f_kind()?.elt_size_in_bytes(), 0);
            block.f_copy_data_u8(&mut buffer, block.numel())?;
            file.write_all(&buffer)?;
        }
        Ok(())
    }
}

/// Writes the file whole or not at all: beside its place, then renamed.
///
/// # Errors
/// If it cannot be written.
pub fn write(path: &Path, arrays: Vec<(String, Array)>, texts: &BTreeMap<String, String>) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    // Not private, as temporary files are by default: this one follows the umask.
    let readable = std::os::unix::fs::PermissionsExt::from_mode(0o666);
    let mut staged = tempfile::Builder::new().permissions(readable).tempfile_in(folder)?;
    write_to(&mut staged, arrays, texts)?;
    staged.persist(path)?;
    Ok(())
}

/// Writes it into an open file.
///
/// # Errors
/// If it cannot be written.
pub fn write_to(
    file: &mut impl Write,
    mut arrays: Vec<(String, Array)>,
    texts: &BTreeMap<String, String>,
) -> Result<()> {
    // Wide elements first, so that every array is aligned.
    arrays.sort_by(|(name, array), (other_name, other)| {
        other.dtype().bitsize().cmp(&array.dtype().bitsize()).then_with(|| name.cmp(other_name))
    });
    let header = header(&arrays, texts)?;
    file.write_all(&(header.len() as u64).to_le_bytes())?;
    file.write_all(&header)?;
    arrays.iter().try_for_each(|(_, array)| array.write_to(file))
}

/// The header, filled up with spaces to a multiple of 8 bytes; in one order, so that the same content makes the same file.
fn header(arrays: &[(String, Array)], texts: &BTreeMap<String, String>) -> Result<Vec<u8>> {
    let mut entries = serde_json::Map::new();
    entries.insert("__metadata__".into(), serde_json::to_value(texts)?);
    let mut end = 0;
    for (name, array) in arrays {
        let (dtype, shape, begin) = (array.dtype(), array.shape(), end);
        end += shape.iter().product::<usize>() * dtype.bitsize() / 8;
        let info = TensorInfo { dtype, shape, data_offsets: (begin, end) };
        entries.insert(name.clone(), serde_json::to_value(info)?);
    }
    let mut header = serde_json::to_vec(&entries)?;
    header.resize(header.len().next_multiple_of(8), b' ');
    Ok(header)
}
