//! A matrix by its rows.

use crate::prefetch::{prefetch_rows, RowId};

/// A row-major f32 matrix.
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a> {
    values: &'a [f32],
    width: usize,
}

impl<'a> Rows<'a> {
    /// `n` rows of `width`, one after the other.
    ///
    /// # Panics
    /// If there are not `n * width` values.
    pub fn new(values: &'a [f32], n: usize, width: usize) -> Self {
        assert_eq!(values.len(), n * width, "{n} rows of {width}");
        Self { values, width }
    }

    pub fn width(&self) -> usize {
        self.width
    }

    /// How many rows there are.
    pub fn n(&self) -> usize {
        self.values.len() / self.width.max(1)
    }

    pub fn bytes(&self) -> usize {
        size_of_val(self.values)
    }

    /// # Panics
    /// If there is no such row.
    #[inline(always)]
    pub fn row(&self, row: usize) -> &'a [f32] {
        &self.values[row * self.width..][..self.width]
    }

    /// Asks for rows that will be read soon; ids that name none are passed over.
    #[inline(always)]
    pub fn prefetch(&self, ids: &[impl RowId]) {
        prefetch_rows(self.values, self.width, ids);
    }
}
