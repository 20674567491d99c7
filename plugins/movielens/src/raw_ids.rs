//! Raw ids of a file's rows, four bytes each where they fit, and the dense ids that stand for them.

use std::sync::atomic::{AtomicBool, Ordering};

use kernels::parallel::for_each_chunk;
use kernels::parts::{map_parts, ranges};

/// Rows handled by one task.
const CHUNK: usize = 1 << 17;

/// A column of raw ids, at least 0.
#[derive(Debug, Clone, PartialEq)]
pub enum RawIds {
    Narrow(Vec<u32>),
    /// From the first id on that needs more than 32 bits.
    Wide(Vec<i64>),
}

impl Default for RawIds {
    fn default() -> Self {
        Self::Narrow(Vec::new())
    }
}

impl RawIds {
    pub fn with_capacity(n: usize) -> Self {
        Self::Narrow(Vec::with_capacity(n))
    }

    pub fn push(&mut self, id: i64) {
        match self {
            Self::Narrow(ids) => match u32::try_from(id) {
                Ok(id) => ids.push(id),
                Err(_) => self.widened().push(id),
            },
            Self::Wide(ids) => ids.push(id),
        }
    }

    pub fn append(&mut self, other: &RawIds) {
        match (&mut *self, other) {
            (Self::Narrow(ids), Self::Narrow(more)) => ids.extend_from_slice(more),
            (_, Self::Narrow(more)) => self.widened().extend(more.iter().copied().map(i64::from)),
            (_, Self::Wide(more)) => self.widened().extend_from_slice(more),
        }
    }

    fn widened(&mut self) -> &mut Vec<i64> {
        if let Self::Narrow(ids) = self {
            *self = Self::Wide(ids.iter().copied().map(i64::from).collect());
        }
        match self {
            Self::Wide(ids) => ids,
            Self::Narrow(_) => unreachable!("widened above"),
        }
    }

    /// The dense id of every row, and the raw id of every dense id, ascending.
    pub fn compact(self) -> (Vec<u32>, Vec<i64>) {
        let ids = match self {
            Self::Narrow(ids) => ids,
            Self::Wide(ids) => return by_search(&ids),
        };
        let chunks = map_parts(ids.chunks(CHUNK).collect(), |ids| ids.iter().copied().max());
        let n_possible = chunks.into_iter().flatten().max().map_or(0, |max| max as usize + 1);
        // A table of all ids up to the greatest is quicker than a search, as long as it is not larger than the column.
        match n_possible <= ids.len() + (1 << 16) {
            true => by_table(ids, n_possible),
            false => by_search(&ids),
        }
    }
}

fn by_table(mut ids: Vec<u32>, n_possible: usize) -> (Vec<u32>, Vec<i64>) {
    let present: Vec<AtomicBool> = (0..n_possible).map(|_| AtomicBool::new(false)).collect();
    map_parts(ids.chunks(CHUNK).collect(), |ids| {
        for id in ids {
            let present = &present[*id as usize];
            // Looked at before it is written, so that threads do not take the line from each other for nothing.
            if !present.load(Ordering::Relaxed) {
                present.store(true, Ordering::Relaxed);
            }
        }
    });
    let mut raw_ids = Vec::new();
    let mut dense = vec![0u32; n_possible];
    for (raw_id, slot) in dense.iter_mut().enumerate().filter(|(raw_id, _)| present[*raw_id].load(Ordering::Relaxed)) {
        *slot = raw_ids.len() as u32;
        raw_ids.push(raw_id as i64);
    }
    for_each_chunk(&mut ids, CHUNK, |_, ids| ids.iter_mut().for_each(|id| *id = dense[*id as usize]));
    (ids, raw_ids)
}

fn by_search<T: Copy + Ord + Into<i64> + Send + Sync>(ids: &[T]) -> (Vec<u32>, Vec<i64>) {
    let chunks = map_parts(ranges(ids.len(), CHUNK), |range| {
        let mut distinct = ids[range].to_vec();
        // Runs of one id (a file sorted by user) shrink to nothing before the sort.
        distinct.dedup();
        distinct.sort_unstable();
        distinct.dedup();
        distinct
    });
    let mut distinct = chunks.concat();
    // The stable sort merges ascending runs, which is what the chunks are.
    distinct.sort();
    distinct.dedup();
    let mut dense = vec![0; ids.len()];
    for_each_chunk(&mut dense, CHUNK, |chunk, slots| {
        for (slot, id) in slots.iter_mut().zip(&ids[chunk * CHUNK..]) {
            *slot = distinct.partition_point(|other| other < id) as u32;
        }
    });
    (dense, distinct.into_iter().map(Into::into).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn raw_ids(ids: &[i64]) -> RawIds {
        let mut column = RawIds::default();
        ids.iter().for_each(|id| column.push(*id));
        column
    }

    proptest! {
        #[test]
        fn every_way_gives_the_same(
            ids in prop::collection::vec(prop_oneof![0..50i64, 0..5_000_000_000i64, 0..999_999_999_999_999_999i64], 0..60),
            cut in 0..60usize,
        ) {
            let (front, back) = ids.split_at(cut.min(ids.len()));
            let mut column = raw_ids(front);
            column.append(&raw_ids(back));
            prop_assert_eq!(&column, &raw_ids(&ids));
            let (dense, raw) = column.compact();
            prop_assert_eq!(&raw, &ids.iter().copied().collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>());
            prop_assert_eq!(dense.iter().map(|id| raw[*id as usize]).collect::<Vec<_>>(), ids);
        }

        #[test]
        fn table_and_search_agree(ids in prop::collection::vec(0..300u32, 0..400)) {
            prop_assert_eq!(by_table(ids.clone(), 300), by_search(&ids));
        }
    }
}
