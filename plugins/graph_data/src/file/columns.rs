//! Columns of plain numbers in a safetensors file: what a data loader caches between runs, four bytes an id instead of a tensor's eight.

use std::collections::BTreeMap;
use std::path::Path;

use bytemuck::{AnyBitPattern, NoUninit};
use kernels::mapped::MmapMut;
use plugin_api::error::{Result, ResultExt};
use plugin_api::PluginError;
use safetensors::tensor::Metadata;
use safetensors::Dtype;

use super::writer::{self, Array};

/// A type of number that columns may have.
pub trait Number: NoUninit + AnyBitPattern {
    const DTYPE: Dtype;
}

impl Number for u32 {
    const DTYPE: Dtype = Dtype::U32;
}

impl Number for f32 {
    const DTYPE: Dtype = Dtype::F32;
}

impl Number for i64 {
    const DTYPE: Dtype = Dtype::I64;
}

/// Columns and texts to be written.
#[derive(Default)]
pub struct ColumnsWriter<'a> {
    arrays: Vec<(String, Array<'a>)>,
    pub texts: BTreeMap<String, String>,
}

impl<'a> ColumnsWriter<'a> {
    pub fn column<T: Number>(mut self, name: &str, values: &'a [T]) -> Self {
        let array = Array::Column { dtype: T::DTYPE, n: values.len(), bytes: bytemuck::cast_slice(values) };
        self.arrays.push((name.to_owned(), array));
        self
    }

    /// # Errors
    /// If the file cannot be written.
    pub fn write(self, path: &Path) -> Result<()> {
        writer::write(path, self.arrays, &self.texts).context(path.display().to_string())
    }
}

/// A file of columns, opened by memory map: nothing is read before it is used.
pub struct Columns {
    map: MmapMut,
    data_begin: usize,
    metadata: Metadata,
    pub texts: BTreeMap<String, String>,
}

impl Columns {
    /// # Errors
    /// If the file cannot be read or is no whole safetensors file.
    pub fn open(path: &Path) -> Result<Self> {
        let attempt = || -> Result<Self> {
            let map = kernels::mapped::private(path)?;
            let (data_begin, metadata) = super::header(&map)?;
            let texts = metadata.metadata().clone().unwrap_or_default().into_iter().collect();
            Ok(Self { map, data_begin, metadata, texts })
        };
        attempt().context(path.display().to_string())
    }

    /// The column `name`.
    ///
    /// # Errors
    /// If there is none of that type.
    pub fn column<T: Number>(&self, name: &str) -> Result<&[T]> {
        let info = self.metadata.info(name).filter(|info| info.dtype == T::DTYPE && info.shape.len() == 1);
        let info = info.ok_or_else(|| PluginError::invalid_data(format!("no column `{name}` of {:?}", T::DTYPE)))?;
        let (begin, end) = info.data_offsets;
        let bytes = &self.map[self.data_begin + begin..self.data_begin + end];
        bytemuck::try_cast_slice(bytes)
            .map_err(|error| PluginError::invalid_data(format!("the column `{name}` is misplaced: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_come_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/columns.safetensors");
        let mut writer = ColumnsWriter::default().column("id", &[3u32, 1, 2]).column("time", &[-1i64]);
        writer.texts.insert("origin".into(), "here".into());
        writer.column("none", &[0f32; 0]).write(&path).unwrap_or_else(|error| panic!("{error}"));
        let columns = Columns::open(&path).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(columns.column::<u32>("id").ok(), Some(&[3, 1, 2][..]));
        assert_eq!(columns.column::<i64>("time").ok(), Some(&[-1][..]));
        assert_eq!(columns.column::<f32>("none").ok(), Some(&[][..]));
        assert_eq!(columns.texts["origin"], "here");
        assert!(columns.column::<f32>("id").is_err() && columns.column::<u32>("rating").is_err());
        std::fs::write(&path, b"12345678").unwrap();
        assert!(Columns::open(&path).is_err());
    }
}
