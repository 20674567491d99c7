//! The rated user-movie pairs with dense ids: what the graph is made of.
//!
//! Ids are dense and ascend with the raw ids; pairs are distinct and sorted by (user, movie), so every file format of
//! the same ratings gives the same value. Leaves out tensors, splits and files.

use std::collections::HashMap;
use std::ops::Range;

use kernels::parallel::{for_each_chunk, n_threads};
use kernels::parts::{map_parts, ranges};

use crate::rows::Columns;

/// Rows handled by one task.
const CHUNK: usize = 1 << 16;

/// Ratings between dense users and dense movies; the four edge columns are equally long.
#[derive(Debug, Clone, PartialEq)]
pub struct Interactions {
    /// Dense user of each edge, below `user_raw_id.len()`; ascending.
    pub user: Vec<u32>,
    /// Dense movie of each edge, below `movie_raw_id.len()`; ascending within a user.
    pub movie: Vec<u32>,
    /// Stars.
    pub rating: Vec<f32>,
    /// Seconds since 1970-01-01 UTC.
    pub timestamp: Vec<i64>,
    /// Raw id of each dense user, ascending. Every user here rated something.
    pub user_raw_id: Vec<i64>,
    /// Raw id of each dense movie, ascending. Every movie here was rated.
    pub movie_raw_id: Vec<i64>,
    /// Title of each dense movie, "" where unknown.
    pub titles: Vec<String>,
}

impl Interactions {
    /// Gives ids, sorts, and keeps of repeated pairs the latest rating (of equal times the highest, so that the order of
    /// the file does not matter). Returns how many rows that dropped.
    ///
    /// `columns` must have fewer than 2^32 rows; the caller checks.
    pub fn new(columns: Columns, titles: &HashMap<i64, String>) -> (Self, u64) {
        let (user, user_raw_id) = columns.user.compact();
        let (movie, movie_raw_id) = columns.movie.compact();
        let titles = movie_raw_id.iter().map(|id| titles.get(id).cloned().unwrap_or_default()).collect();
        let (rating, timestamp) = (columns.rating, columns.timestamp);
        let n_rows = user.len();
        let mut edges = Self { user, movie, rating, timestamp, user_raw_id, movie_raw_id, titles };
        // Newer releases come sorted: then nothing needs to move.
        if !edges.is_strictly_sorted() {
            let order = edges.canonical_order();
            edges.take(&order);
        }
        let n_dropped = n_rows - edges.user.len();
        (edges, n_dropped as u64)
    }

    fn is_strictly_sorted(&self) -> bool {
        let is_sorted = |mut rows: Range<usize>| rows.all(|row| row == 0 || self.pair(row - 1) < self.pair(row));
        map_parts(ranges(self.user.len(), CHUNK), is_sorted).into_iter().all(|is_sorted| is_sorted)
    }

    fn pair(&self, row: usize) -> (u32, u32) {
        (self.user[row], self.movie[row])
    }

    /// Rows sorted by pair, of equal pairs only the one to keep.
    fn canonical_order(&self) -> Vec<u32> {
        let mut n_rows = vec![0; self.user_raw_id.len()];
        self.user.iter().for_each(|user| n_rows[*user as usize] += 1);
        // Every task looks at all rows for those of its users: few tasks, of about equally many rows.
        let users = balanced(&n_rows, self.user.len().div_ceil(2 * n_threads()));
        map_parts(users, |users| self.rows_of(users.clone(), &n_rows[users])).concat()
    }

    /// The rows of a range of users in canonical order; `n_rows` are those of each of the users.
    fn rows_of(&self, users: Range<usize>, n_rows: &[usize]) -> Vec<u32> {
        let mut ends: Vec<usize> = vec![0; n_rows.len()];
        // Movie and row in one number: sorts by movie.
        let mut entries = vec![0u64; n_rows.iter().sum()];
        (1..ends.len()).for_each(|user| ends[user] = ends[user - 1] + n_rows[user - 1]);
        for (row, user) in self.user.iter().enumerate() {
            if let Some(end) = (*user as usize).checked_sub(users.start).and_then(|user| ends.get_mut(user)) {
                entries[*end] = u64::from(self.movie[row]) << 32 | row as u64;
                *end += 1;
            }
        }
        let mut kept = Vec::with_capacity(entries.len());
        let mut entries = entries.as_mut_slice();
        for n_rows in n_rows {
            let (of_user, rest) = std::mem::take(&mut entries).split_at_mut(*n_rows);
            of_user.sort_unstable();
            let same_movie = of_user.chunk_by(|left, right| left >> 32 == right >> 32);
            // Of a pair's rows the latest, of these the highest rated.
            let better = |left: &u32, right: &u32| {
                let (left, right) = (*left as usize, *right as usize);
                let times = self.timestamp[left].cmp(&self.timestamp[right]);
                times.then_with(|| self.rating[left].total_cmp(&self.rating[right]))
            };
            kept.extend(same_movie.filter_map(|entries| entries.iter().map(|entry| *entry as u32).max_by(better)));
            entries = rest;
        }
        kept
    }

    fn take(&mut self, order: &[u32]) {
        self.user = taken(&self.user, order);
        self.movie = taken(&self.movie, order);
        self.rating = taken(&self.rating, order);
        self.timestamp = taken(&self.timestamp, order);
    }
}

fn taken<T: Copy + Default + Send + Sync>(values: &[T], order: &[u32]) -> Vec<T> {
    let mut taken = vec![T::default(); order.len()];
    for_each_chunk(&mut taken, CHUNK, |chunk, taken| {
        for (slot, row) in taken.iter_mut().zip(&order[chunk * CHUNK..]) {
            *slot = values[*row as usize];
        }
    });
    taken
}

/// Ranges of users that have about `n_wanted` rows each.
fn balanced(n_rows: &[usize], n_wanted: usize) -> Vec<Range<usize>> {
    let (mut ranges, mut begin, mut n) = (Vec::new(), 0, 0);
    for (user, n_rows) in n_rows.iter().enumerate() {
        n += n_rows;
        if n >= n_wanted {
            ranges.push(begin..user + 1);
            (begin, n) = (user + 1, 0);
        }
    }
    ranges.push(begin..n_rows.len());
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::Row;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn columns(rows: &[(i64, i64, f32, i64)]) -> Columns {
        let mut columns = Columns::default();
        for (user, movie, rating, timestamp) in rows {
            columns.push(Row { user: *user, movie: *movie, rating: *rating, timestamp: *timestamp });
        }
        columns
    }

    #[test]
    fn ids_are_dense_and_edges_sorted() {
        let titles = HashMap::from([(20, "B".to_string()), (99, "unrated".to_string())]);
        let rows = [(9, 20, 1.0, 5), (3, 50, 2.0, 6), (9, 10, 3.0, 7)];
        let (edges, n_dropped) = Interactions::new(columns(&rows), &titles);
        assert_eq!(n_dropped, 0);
        assert_eq!((edges.user_raw_id, edges.movie_raw_id), (vec![3, 9], vec![10, 20, 50]));
        assert_eq!((edges.user, edges.movie), (vec![0, 1, 1], vec![2, 0, 1]));
        assert_eq!((edges.rating, edges.timestamp), (vec![2.0, 3.0, 1.0], vec![6, 7, 5]));
        assert_eq!(edges.titles, ["", "B", ""]);
    }

    #[test]
    fn the_latest_of_repeated_pairs_stays_whatever_the_order() {
        let mut rows = vec![(1, 1, 1.0, 10), (1, 1, 2.0, 30), (1, 1, 3.0, 20), (2, 1, 4.0, 5), (2, 1, 5.0, 5)];
        for _ in 0..rows.len() {
            rows.rotate_left(1);
            let (edges, n_dropped) = Interactions::new(columns(&rows), &HashMap::new());
            assert_eq!(n_dropped, 3);
            assert_eq!((edges.user, edges.rating), (vec![0, 1], vec![2.0, 5.0]));
        }
    }

    #[test]
    fn sorted_input_is_left_as_it_is() {
        let rows = [(1, 1, 1.0, 9), (1, 2, 2.0, 8), (2, 1, 3.0, 7)];
        let (edges, _) = Interactions::new(columns(&rows), &HashMap::new());
        assert_eq!(edges.timestamp, [9, 8, 7]);
    }

    proptest! {
        #[test]
        fn every_order_of_the_rows_gives_the_best_of_each_pair(
            rows in prop::collection::vec((0..9i64, 0..7i64, 0..3u8, 0..4i64), 1..60),
        ) {
            let rows: Vec<_> = rows.into_iter().map(|(user, movie, stars, time)| (user, movie, f32::from(stars), time)).collect();
            let mut best = BTreeMap::new();
            for (user, movie, rating, time) in &rows {
                let entry = best.entry((*user, *movie)).or_insert((*time, *rating));
                *entry = if (*time, *rating) > *entry { (*time, *rating) } else { *entry };
            }
            let (edges, n_dropped) = Interactions::new(columns(&rows), &HashMap::new());
            prop_assert_eq!(n_dropped as usize, rows.len() - best.len());
            let found = (0..edges.user.len()).map(|row| {
                let (user, movie) = edges.pair(row);
                let pair = (edges.user_raw_id[user as usize], edges.movie_raw_id[movie as usize]);
                (pair, (edges.timestamp[row], edges.rating[row]))
            });
            prop_assert_eq!(found.collect::<Vec<_>>(), best.into_iter().collect::<Vec<_>>());
        }
    }

    #[test]
    fn ranges_of_users_cover_them() {
        assert_eq!(balanced(&[1, 5, 1, 1, 1, 9, 0], 3), [0..2, 2..5, 5..6, 6..7]);
        assert_eq!(balanced(&[2], 3), [0..1; 1]);
    }
}
