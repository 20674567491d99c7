//! A matrix by its rows.

/// A row-major f32 matrix .
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a> {
    values: &'a [f32],
    stride: usize,
    width: usize,
}

impl<'a> Rows<'a> {
    /// `n` rows of `width`, one after the other.
    ///
    /// # Panics
    /// If there are not `n * width` values.
    pub fn new(values: &'a [f32], n: usize, width: usize) -> Self {
        assert_eq!(values.len(), n * width, "{n} rows of {width}");
        Self { values, stride: width, width }
    }

    pub fn width(&self) -> usize {
        self.width
    }

    /// # Panics
    /// If there is no such row.
    #[inline(always)]
    pub fn row(&self, row: usize) -> &'a [f32] {
        &self.values[row * self.stride..][..self.width]
    }
}
