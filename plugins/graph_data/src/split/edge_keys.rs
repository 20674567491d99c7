//! The edges of a graph as ascending numbers, `source * n_destination + destination`.

use kernels::parts::{map_parts, ranges};

use super::SplitError;

/// Edges looked at by one task.
const CHUNK: usize = 1 << 16;

/// The edges as keys: read off the columns where these are sorted, as data loaders give them; else sorted copies.
pub struct EdgeKeys<'a> {
    source: &'a [u32],
    destination: &'a [u32],
    n_destination: u32,
    sorted: Option<Vec<u64>>,
}

impl<'a> EdgeKeys<'a> {
    /// # Errors
    /// Uneven columns, ends that do not exist, an edge that is there twice.
    pub fn new(
        n_source: u32,
        n_destination: u32,
        source: &'a [u32],
        destination: &'a [u32],
    ) -> Result<Self, SplitError> {
        if source.len() != destination.len() {
            return Err(SplitError::Uneven { source_len: source.len(), destination_len: destination.len() });
        }
        let outside = |position: &usize| source[*position] >= n_source || destination[*position] >= n_destination;
        let mut chunks = map_parts(ranges(source.len(), CHUNK), |mut range| range.find(outside)).into_iter();
        if let Some(position) = chunks.find_map(|found| found) {
            let (from, to) = (source[position], destination[position]);
            return Err(SplitError::OutOfRange { position, from, to, n_source, n_destination });
        }
        let mut keys = Self { source, destination, n_destination, sorted: None };
        if !keys.ascend() {
            keys.sorted = Some(keys.sort()?);
        }
        Ok(keys)
    }

    /// Key number `index` in ascending order.
    #[inline]
    pub fn get(&self, index: usize) -> u64 {
        match &self.sorted {
            None => self.of_edge(index),
            Some(keys) => keys[index],
        }
    }

    pub fn len(&self) -> usize {
        self.source.len()
    }

    #[inline]
    fn of_edge(&self, position: usize) -> u64 {
        u64::from(self.source[position]) * u64::from(self.n_destination) + u64::from(self.destination[position])
    }

    fn ascend(&self) -> bool {
        let pair = |position: usize| (self.source[position], self.destination[position]);
        let ascends = |mut range: std::ops::Range<usize>| range.all(|at| at == 0 || pair(at - 1) < pair(at));
        map_parts(ranges(self.len(), CHUNK), ascends).into_iter().all(|ascends| ascends)
    }

    fn sort(&self) -> Result<Vec<u64>, SplitError> {
        let mut keys: Vec<u64> = (0..self.len()).map(|position| self.of_edge(position)).collect();
        keys.sort_unstable();
        match keys.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => {
                let (from, to) = unpack(pair[0], self.n_destination);
                Err(SplitError::Duplicate { from, to })
            }
            None => Ok(keys),
        }
    }
}

/// The two ends of an edge key; both fit because a key is below `n_source * n_destination`.
pub fn unpack(key: u64, n_destination: u32) -> (u32, u32) {
    let n_destination = u64::from(n_destination);
    ((key / n_destination) as u32, (key % n_destination) as u32)
}
