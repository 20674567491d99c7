//! Edges grouped by one end (compressed sparse rows), and how to build that in parallel.

use crate::parallel::{for_each, n_threads, Disjoint};

/// Edges grouped by one of their ends. Within a row they keep the order of the edge list.
///
/// The arrays may come from another library. The offsets are checked; a kernel that follows an id beyond its matrix panics, it never
/// reads there.
#[derive(Debug, Clone, Copy)]
pub struct Csr<'a> {
    offsets: &'a [i64],
    /// The other end of each edge.
    pub neighbours: &'a [i32],
    /// Where the edge stands in the edge list.
    pub edges: &'a [i32],
}

impl<'a> Csr<'a> {
    /// Row `r` is `offsets[r]..offsets[r + 1]` of the other two.
    ///
    /// # Errors
    /// If the offsets do not ascend from 0 to the number of edges.
    pub fn new(offsets: &'a [i64], neighbours: &'a [i32], edges: &'a [i32]) -> Result<Self, CsrError> {
        let ends = offsets.first() == Some(&0) && offsets.last() == i64::try_from(edges.len()).ok().as_ref();
        if ends && neighbours.len() == edges.len() && offsets.is_sorted() {
            Ok(Self { offsets, neighbours, edges })
        } else {
            Err(CsrError::Offsets)
        }
    }

    /// `n_rows + 1` of them.
    pub fn offsets(&self) -> &'a [i64] {
        self.offsets
    }

    pub fn n_rows(&self) -> usize {
        self.offsets.len() - 1
    }

    pub fn n_edges(&self) -> usize {
        self.neighbours.len()
    }

    /// Where the edges of a row stand in `neighbours` and `edges`.
    pub fn row(&self, row: usize) -> std::ops::Range<usize> {
        self.offsets[row] as usize..self.offsets[row + 1] as usize
    }
}

/// The arrays of a [`Csr`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CsrBuffers {
    pub offsets: Vec<i64>,
    pub neighbours: Vec<i32>,
    pub edges: Vec<i32>,
}

impl CsrBuffers {
    pub fn view(&self) -> Csr<'_> {
        Csr { offsets: &self.offsets, neighbours: &self.neighbours, edges: &self.edges }
    }

    /// The neighbours of a row.
    pub fn neighbours_of(&self, row: usize) -> &[i32] {
        &self.neighbours[self.view().row(row)]
    }
}

/// Why edges cannot be grouped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CsrError {
    /// Ids and positions are kept in 32 bits.
    TooMany,
    /// An edge names a node that is not there.
    OutOfRange { edge: usize },
    /// The two ends are not equally many.
    Uneven,
    /// The offsets of a finished index do not ascend from 0 to the number of its edges.
    Offsets,
}

impl std::fmt::Display for CsrError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TooMany => write!(f, "more than 2147483647 edges or nodes cannot be indexed"),
            Self::OutOfRange { edge } => write!(f, "edge {edge} names a node that is not there"),
            Self::Offsets => write!(f, "the index of the edges is damaged: its offsets do not fit its edges"),
            Self::Uneven => write!(f, "the edges have not as many sources as destinations"),
        }
    }
}

impl std::error::Error for CsrError {}

/// Groups the edges `keys[e] - others[e]` by `keys`: a counting sort, so it is stable, and linear in edges and rows. Every thread
/// takes a part of the edges; the result does not depend on how many there are.
///
/// # Errors
/// If an id is not below `n_rows` or `n_others`, or there are too many.
pub fn group(keys: &[i64], others: &[i64], n_rows: usize, n_others: usize) -> Result<CsrBuffers, CsrError> {
    let limit = i32::MAX as usize;
    if keys.len() != others.len() {
        return Err(CsrError::Uneven);
    }
    if keys.len() > limit || n_rows > limit || n_others > limit {
        return Err(CsrError::TooMany);
    }
    // A part has its own counters for all rows: not more of them than edges pay for.
    let n_parts = n_threads().min(1 + keys.len() / n_rows.max(4096)).min(16);
    let part_len = keys.len().div_ceil(n_parts).max(1);
    let part = |part: usize| (part * part_len).min(keys.len())..((part + 1) * part_len).min(keys.len());
    let mut counts = vec![0_u32; n_parts * n_rows];
    let mut bad = vec![None; n_parts];
    let (counters, faults) = (Disjoint::new(&mut counts), Disjoint::new(&mut bad));
    for_each(n_parts, |at| {
        // SAFETY: every part has its own counters and its own fault.
        let (counts, bad) = unsafe { (counters.range(at * n_rows, (at + 1) * n_rows), faults.range(at, at + 1)) };
        bad[0] = part(at).find(|edge| !count(counts, keys[*edge], others[*edge], n_others));
    });
    if let Some(edge) = bad.into_iter().flatten().next() {
        return Err(CsrError::OutOfRange { edge });
    }
    let offsets = counts_to_begins(&mut counts, n_rows, n_parts);
    let mut grouped = CsrBuffers { offsets, neighbours: vec![0; keys.len()], edges: vec![0; keys.len()] };
    scatter(keys, others, &mut counts, n_rows, n_parts, part, &mut grouped);
    Ok(grouped)
}

/// Whether both ids are in range.
fn count(counts: &mut [u32], key: i64, other: i64, n_others: usize) -> bool {
    let counter = usize::try_from(key).ok().and_then(|key| counts.get_mut(key));
    let other = usize::try_from(other).is_ok_and(|other| other < n_others);
    match counter {
        Some(counter) if other => {
            *counter += 1;
            true
        }
        Some(_) | None => false,
    }
}

/// Turns the counts of each part and row into where that part begins to write; gives the offsets of the rows.
fn counts_to_begins(counts: &mut [u32], n_rows: usize, n_parts: usize) -> Vec<i64> {
    let mut offsets = Vec::with_capacity(n_rows + 1);
    let mut begin = 0;
    for row in 0..n_rows {
        offsets.push(i64::from(begin));
        for part in 0..n_parts {
            let count = std::mem::replace(&mut counts[part * n_rows + row], begin);
            begin += count;
        }
    }
    offsets.push(i64::from(begin));
    offsets
}

fn scatter(
    keys: &[i64],
    others: &[i64],
    begins: &mut [u32],
    n_rows: usize,
    n_parts: usize,
    part: impl Fn(usize) -> std::ops::Range<usize> + Sync,
    grouped: &mut CsrBuffers,
) {
    let begins = Disjoint::new(begins);
    let (neighbours, edges) = (Disjoint::new(&mut grouped.neighbours), Disjoint::new(&mut grouped.edges));
    for_each(n_parts, |at| {
        // SAFETY: every part has its own counters.
        let begins = unsafe { begins.range(at * n_rows, (at + 1) * n_rows) };
        for edge in part(at) {
            let place = begins[keys[edge] as usize];
            begins[keys[edge] as usize] += 1;
            let place = place as usize;
            // SAFETY: the places of a part and row are its own: they begin where the counts of all before it end, and the part
            // counted as many edges of that row as it now writes.
            unsafe {
                neighbours.range(place, place + 1)[0] = others[edge] as i32;
                edges.range(place, place + 1)[0] = edge as i32;
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn by_sorting(keys: &[i64], others: &[i64], n_rows: usize) -> CsrBuffers {
        let mut order: Vec<usize> = (0..keys.len()).collect();
        order.sort_by_key(|edge| keys[*edge]);
        let offsets = (0..=n_rows).map(|row| keys.iter().filter(|key| (**key as usize) < row).count() as i64);
        CsrBuffers {
            offsets: offsets.collect(),
            neighbours: order.iter().map(|edge| others[*edge] as i32).collect(),
            edges: order.iter().map(|edge| *edge as i32).collect(),
        }
    }

    proptest! {
        #[test]
        fn groups_like_a_stable_sort(edges in prop::collection::vec((0_i64..40, 0_i64..30), 0..300)) {
            let (keys, others): (Vec<_>, Vec<_>) = edges.into_iter().unzip();
            prop_assert_eq!(group(&keys, &others, 40, 30), Ok(by_sorting(&keys, &others, 40)));
        }
    }

    #[test]
    fn many_edges_are_grouped_by_several_threads() {
        let keys: Vec<i64> = (0..40_000_i64).map(|edge| edge * 7919 % 50).collect();
        let others: Vec<i64> = (0..40_000_i64).map(|edge| edge * 31 % 99).collect();
        assert_eq!(group(&keys, &others, 50, 99), Ok(by_sorting(&keys, &others, 50)));
    }

    #[test]
    fn ids_out_of_range_are_named() {
        assert_eq!(group(&[0, 1, 2], &[0, 0, 0], 2, 1), Err(CsrError::OutOfRange { edge: 2 }));
        assert_eq!(group(&[0, -1], &[0, 0], 2, 1), Err(CsrError::OutOfRange { edge: 1 }));
        assert_eq!(group(&[0, 1], &[0, 1], 2, 1), Err(CsrError::OutOfRange { edge: 1 }));
        assert_eq!(group(&[0], &[], 2, 1), Err(CsrError::Uneven));
        assert_eq!(group(&[], &[], 0, 0).map(|csr| csr.offsets), Ok(vec![0]));
    }
}
