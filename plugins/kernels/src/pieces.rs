//! Shares of the work on a [`Csr`](crate::csr::Csr) that cost about the same: by edges, not by rows, since a hub may have as many edges as a thousand
//! other nodes. The shares depend on the graph alone, so that the order in which numbers are added up never depends on the number of
//! threads.

use std::ops::Range;

/// A share: whole rows, or a part of one row that is too long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    pub rows: Range<usize>,
    /// Positions in the CSR.
    pub edges: Range<usize>,
    /// For a part of a row: its number among all such parts. The parts of a row are next to each other.
    pub part: Option<usize>,
}

/// All shares of a graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pieces {
    pub pieces: Vec<Piece>,
    /// Rows that are split, each with the numbers of its parts.
    pub split_rows: Vec<(usize, Range<usize>)>,
}

impl Pieces {
    /// Shares of about a 256th of the graph, but neither so small that handing them out costs, nor so large that the last one
    /// keeps a thread waiting.
    ///
    /// `offsets` are those of a [`Csr`](crate::csr::Csr): ascending from 0.
    pub fn of(offsets: &[i64]) -> Self {
        let cost = offsets.last().map_or(0, |n_edges| *n_edges as usize + offsets.len());
        Self::with_target(offsets, (cost / 256).clamp(512, 16_384))
    }

    /// Shares of at most `target` edges and rows together.
    pub fn with_target(offsets: &[i64], target: usize) -> Self {
        let mut all = Self { pieces: Vec::new(), split_rows: Vec::new() };
        let n_rows = offsets.len().saturating_sub(1);
        let edges_of = |row: usize| offsets[row] as usize..offsets[row + 1] as usize;
        let cost_before = |row: usize| offsets[row] as usize + row;
        let (mut row, mut n_parts) = (0, 0);
        while row < n_rows {
            let edges = edges_of(row);
            if edges.len() > target {
                let parts = n_parts..n_parts + edges.len().div_ceil(target);
                let part_len = edges.len().div_ceil(parts.len());
                for part in parts.clone() {
                    let begin = (edges.start + (part - parts.start) * part_len).min(edges.end);
                    let edges = begin..(begin + part_len).min(edges.end);
                    all.pieces.push(Piece { rows: row..row + 1, edges, part: Some(part) });
                }
                n_parts = parts.end;
                all.split_rows.push((row, parts));
                row += 1;
                continue;
            }
            let limit = cost_before(row) + target;
            let rest = row + 1..n_rows + 1;
            let end = row + 1 + partition_point(rest.len(), |at| cost_before(rest.start + at) <= limit);
            let end = (end - 1).max(row + 1);
            all.pieces.push(Piece { rows: row..end, edges: edges_of(row).start..edges_of(end - 1).end, part: None });
            row = end;
        }
        all
    }

    pub fn n_parts(&self) -> usize {
        self.split_rows.last().map_or(0, |(_, parts)| parts.end)
    }
}

/// How many of the first numbers below `n` satisfy `holds`, which holds for a first part of them only.
fn partition_point(n: usize, holds: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, n);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn offsets(degrees: &[usize]) -> Vec<i64> {
        let mut offsets = vec![0];
        degrees.iter().for_each(|degree| offsets.push(offsets[offsets.len() - 1] + *degree as i64));
        offsets
    }

    proptest! {
        #[test]
        fn cover_every_row_and_edge_once_in_order(
            degrees in prop::collection::vec(prop_oneof![0_usize..6, 0_usize..60], 0..60), target in 1_usize..40,
        ) {
            let Pieces { pieces, split_rows } = Pieces::with_target(&offsets(&degrees), target);
            let (mut row, mut edge) = (0, 0);
            for Piece { rows, edges, part } in &pieces {
                prop_assert_eq!(edges.start, edge);
                match part {
                    None => {
                        prop_assert_eq!(rows.start, row);
                        prop_assert!(rows.len() + edges.len() <= target.max(rows.len().min(1) + edges.len()));
                        prop_assert!(edges.len() <= target);
                        row = rows.end;
                    }
                    Some(part) => {
                        prop_assert!(edges.len() <= target);
                        let (split, parts) = split_rows.iter().find(|(_, parts)| parts.contains(part)).unwrap();
                        prop_assert_eq!(rows, &(*split..split + 1));
                        prop_assert_eq!(*split, row);
                        row += usize::from(*part + 1 == parts.end);
                    }
                }
                edge = edges.end;
            }
            prop_assert_eq!((row, edge), (degrees.len(), degrees.iter().sum::<usize>()));
        }
    }
}
