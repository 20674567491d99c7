//! The rated user-movie pairs with dense ids: what the graph is made of.
//!
//! Ids are dense and ascend with the raw ids; pairs are distinct and sorted by (user, movie), so every file format of
//! the same ratings gives the same value. Leaves out tensors, splits and files.

use std::collections::HashMap;

use rayon::prelude::*;

use crate::ratings::Columns;

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
        let user_raw_id = distinct(&columns.user);
        let movie_raw_id = distinct(&columns.movie);
        let titles = movie_raw_id.iter().map(|id| titles.get(id).cloned().unwrap_or_default()).collect();
        let user = dense(columns.user, &user_raw_id);
        let movie = dense(columns.movie, &movie_raw_id);
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
        (1..self.user.len()).all(|row| self.pair(row - 1) < self.pair(row))
    }

    fn pair(&self, row: usize) -> (u32, u32) {
        (self.user[row], self.movie[row])
    }

    /// Rows sorted by pair, of equal pairs only the one to keep.
    fn canonical_order(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.user.len() as u32).collect();
        order.par_sort_unstable_by(|left, right| {
            let (left, right) = (*left as usize, *right as usize);
            let pairs = self.pair(left).cmp(&self.pair(right));
            // The row to keep comes first: the latest, then the highest rated.
            pairs
                .then_with(|| self.timestamp[right].cmp(&self.timestamp[left]))
                .then_with(|| self.rating[right].total_cmp(&self.rating[left]))
        });
        order.dedup_by_key(|row| self.pair(*row as usize));
        order
    }

    fn take(&mut self, order: &[u32]) {
        self.user = taken(&self.user, order);
        self.movie = taken(&self.movie, order);
        self.rating = taken(&self.rating, order);
        self.timestamp = taken(&self.timestamp, order);
    }
}

fn taken<T: Copy>(values: &[T], order: &[u32]) -> Vec<T> {
    order.iter().map(|row| values[*row as usize]).collect()
}

/// The distinct values, ascending.
fn distinct(values: &[i64]) -> Vec<i64> {
    // Runs of one id (a file sorted by user) shrink to nothing before the sort.
    let mut distinct = values.to_vec();
    distinct.dedup();
    distinct.par_sort_unstable();
    distinct.dedup();
    distinct
}

/// The position of each value in `sorted`, which holds them all.
fn dense(values: Vec<i64>, sorted: &[i64]) -> Vec<u32> {
    let position = |value: &i64| sorted.partition_point(|other| other < value) as u32;
    values.par_iter().map(position).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(rows: &[(i64, i64, f32, i64)]) -> Columns {
        let mut columns = Columns::default();
        for (user, movie, rating, timestamp) in rows {
            columns.user.push(*user);
            columns.movie.push(*movie);
            columns.rating.push(*rating);
            columns.timestamp.push(*timestamp);
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
}
