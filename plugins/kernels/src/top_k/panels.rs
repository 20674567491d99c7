//! The items, copied to the order in which a tile reads them.

use std::ops::Range;

use super::tile;
use crate::parallel;

/// Items in panels of as many as a tile is wide: in a panel the first numbers of all its items, then the second ones, and so on. The
/// last panel is filled up with zeros. As large as the items themselves.
#[derive(Debug)]
pub struct Panels {
    arch: pulp::Arch,
    values: Vec<f32>,
    n_items: usize,
    width: usize,
}

/// Numbers that are read at once: they stay in the second cache until they are in their places.
const BUFFER: usize = 1 << 17;

impl Panels {
    /// `read` fills its slice, `[items, width]`, with the rows of the items it is given: bounded pieces, in ascending order.
    ///
    /// # Errors
    /// Those of `read`.
    ///
    /// # Panics
    /// If ids of 32 bits do not reach.
    pub fn new<E>(
        n_items: usize,
        width: usize,
        read: impl FnMut(Range<usize>, &mut [f32]) -> Result<(), E>,
    ) -> Result<Self, E> {
        Self::for_arch(crate::arch::arch(), n_items, width, read)
    }

    pub(super) fn for_arch<E>(
        arch: pulp::Arch,
        n_items: usize,
        width: usize,
        mut read: impl FnMut(Range<usize>, &mut [f32]) -> Result<(), E>,
    ) -> Result<Self, E> {
        assert!(u32::try_from(n_items).is_ok(), "{n_items} items");
        let n_columns = tile::items_per_tile(arch);
        let mut values = vec![0.0; n_items.next_multiple_of(n_columns) * width];
        let n_items_per_piece =
            (BUFFER / width.max(1)).clamp(n_columns, n_items.max(n_columns)) / n_columns * n_columns;
        let mut rows = vec![0.0; n_items_per_piece.min(n_items) * width];
        let pieces = values.chunks_mut((n_items_per_piece * width).max(1));
        for (first, panels) in (0..n_items).step_by(n_items_per_piece).zip(pieces) {
            let items = first..(first + n_items_per_piece).min(n_items);
            let rows = &mut rows[..items.len() * width];
            read(items, rows)?;
            parallel::for_each_chunk(panels, n_columns * width, |panel, values| {
                let begin = panel * n_columns * width;
                transpose(&rows[begin..(begin + n_columns * width).min(rows.len())], width, values, n_columns);
            });
        }
        Ok(Self { arch, values, n_items, width })
    }

    pub fn n_items(&self) -> usize {
        self.n_items
    }

    pub fn width(&self) -> usize {
        self.width
    }

    pub(super) fn arch(&self) -> pulp::Arch {
        self.arch
    }

    /// Panels of `n_columns` items, each with the numbers of its items.
    pub(super) fn panels(&self, n_columns: usize) -> impl Iterator<Item = (Range<usize>, &[f32])> {
        let firsts = (0..self.n_items).step_by(n_columns);
        firsts.map(move |first| {
            let values = &self.values[first * self.width..(first + n_columns) * self.width];
            (first..(first + n_columns).min(self.n_items), values)
        })
    }
}

/// `rows` `[n, width]` to `columns` `[width, n_columns]`, n up to n_columns; the columns beyond stay as they are.
pub fn transpose(rows: &[f32], width: usize, columns: &mut [f32], n_columns: usize) {
    // Squares, so that neither side is read or written a number a cache line.
    const SIDE: usize = 16;
    for begin in (0..width).step_by(SIDE) {
        let end = (begin + SIDE).min(width);
        for (column, row) in rows.chunks_exact(width).enumerate() {
            for (value, columns) in row[begin..end].iter().zip(columns[begin * n_columns..].chunks_exact_mut(n_columns))
            {
                columns[column] = *value;
            }
        }
    }
}
