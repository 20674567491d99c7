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

/// About how many numbers a piece of items has that is read at once: they stay in the second cache until they are in their places.
const PIECE: usize = 1 << 17;

impl Panels {
    /// Room for the items; [`Panels::fill`] puts them there.
    ///
    /// # Panics
    /// If ids of 32 bits do not reach.
    pub fn new(n_items: usize, width: usize) -> Self {
        Self::for_arch(crate::arch::arch(), n_items, width)
    }

    pub(super) fn for_arch(arch: pulp::Arch, n_items: usize, width: usize) -> Self {
        assert!(u32::try_from(n_items).is_ok(), "{n_items} items");
        let values = vec![0.0; n_items.next_multiple_of(tile::items_per_tile(arch)) * width];
        Self { arch, values, n_items, width }
    }

    /// The items a piece at a time, for who cannot give them all at once.
    pub fn pieces(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        let n_columns = tile::items_per_tile(self.arch);
        let (n_items, len) = (self.n_items, (PIECE / self.width.max(1)).max(1).next_multiple_of(n_columns));
        (0..n_items).step_by(len).map(move |first| first..(first + len).min(n_items))
    }

    /// Copies the rows of items, `[items, width]`: all of them, or one of [`Panels::pieces`].
    ///
    /// # Panics
    /// If they are not as many, or do not begin where a piece does.
    pub fn fill(&mut self, items: Range<usize>, rows: &[f32]) {
        let (n_columns, width) = (tile::items_per_tile(self.arch), self.width);
        assert!(items.end <= self.n_items && items.start.is_multiple_of(n_columns), "{items:?} of {}", self.n_items);
        assert_eq!(rows.len(), items.len() * width, "{} rows of {width}", items.len());
        let end = items.end.next_multiple_of(n_columns) * width;
        parallel::for_each_chunk(
            &mut self.values[items.start * width..end],
            (n_columns * width).max(1),
            |panel, values| {
                let begin = panel * n_columns * width;
                transpose(&rows[begin..(begin + n_columns * width).min(rows.len())], width, values, n_columns);
            },
        );
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
