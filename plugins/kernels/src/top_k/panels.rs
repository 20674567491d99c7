//! The items in the order in which a tile reads them.

use std::ops::Range;

use crate::parallel;

/// Items in panels of as many as a tile is wide: in a panel the first numbers of all its items, then the second ones, and so on. The
/// last panel is filled up with zeros. As large as the items themselves.
#[derive(Debug)]
pub struct Panels {
    values: Vec<f32>,
    n_items: usize,
    n_columns: usize,
    width: usize,
}

impl Panels {
    pub fn new(n_items: usize, width: usize, n_columns: usize) -> Self {
        Self { values: vec![0.0; n_items.next_multiple_of(n_columns) * width], n_items, n_columns, width }
    }

    /// Items in a panel.
    pub fn n_columns(&self) -> usize {
        self.n_columns
    }

    pub fn width(&self) -> usize {
        self.width
    }

    /// Copies the rows of items, `[items, width]`, which begin with a panel.
    pub fn fill(&mut self, items: Range<usize>, rows: &[f32]) {
        let (n_columns, width) = (self.n_columns, self.width);
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

    /// The panels, each with the ids and the numbers of its items.
    pub fn panels(&self) -> impl Iterator<Item = (Range<usize>, &[f32])> {
        let firsts = (0..self.n_items).step_by(self.n_columns);
        firsts.map(move |first| {
            let values = &self.values[first * self.width..(first + self.n_columns) * self.width];
            (first..(first + self.n_columns).min(self.n_items), values)
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
