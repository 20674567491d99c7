//! Which items each user has edges to.

use kernels::csr::{group, CsrError};
use plugin_api::prelude::*;
use tch::{Device, Kind, Tensor};

use crate::slices::slice;

/// Items grouped by user, ascending and without repeats: 4 bytes an edge and 8 a user.
#[derive(Debug)]
pub struct ItemsByUser {
    /// Where the items of a user begin; one more than there are users.
    offsets: Vec<usize>,
    items: Vec<u32>,
}

impl ItemsByUser {
    /// From edges i64 `[2, n_edges]`, users first. O(n_edges) apart from sorting each user's items; 16 bytes an edge meanwhile.
    ///
    /// # Errors
    /// If an edge names no user below `n_users` or no item below `n_items`.
    pub fn from_edges(edges: &Tensor, n_users: usize, n_items: usize) -> Result<Self> {
        let &[2, _] = edges.size().as_slice() else {
            return Err(PluginError::invalid_data(format!("edges are [2, n], not of the shape {:?}", edges.size())));
        };
        let edges = edges.f_to_device(Device::Cpu)?.f_to_kind(Kind::Int64)?;
        let (users, items) = (edges.f_get(0)?.f_contiguous()?, edges.f_get(1)?.f_contiguous()?);
        let grouped = group(slice(&users)?, slice(&items)?, n_users, n_items).map_err(|error| match error {
            CsrError::OutOfRange { .. } => PluginError::invalid_data("an edge names a node that has no embedding"),
            CsrError::TooMany | CsrError::Uneven | CsrError::Offsets => PluginError::unsupported(error.to_string()),
        })?;
        let offsets = grouped.offsets.into_iter().map(|offset| offset as usize).collect();
        let mut grouped = Self { offsets, items: grouped.neighbours.into_iter().map(|item| item as u32).collect() };
        let n_distinct = grouped.sort_each_user();
        grouped.keep(&n_distinct);
        Ok(grouped)
    }

    /// The items of a user below the number of users.
    pub fn of(&self, user: usize) -> &[u32] {
        &self.items[self.offsets[user]..self.offsets[user + 1]]
    }

    /// Brings the distinct items of each user to the front of their place, and gives their number.
    fn sort_each_user(&mut self) -> Vec<usize> {
        const USERS_PER_TASK: usize = 32;
        let mut n_distinct = vec![0; self.offsets.len() - 1];
        let mut rest = self.items.as_mut_slice();
        let mut users = Vec::with_capacity(n_distinct.len());
        for (ends, n_distinct) in self.offsets.windows(2).zip(&mut n_distinct) {
            let (items, after) = std::mem::take(&mut rest).split_at_mut(ends[1] - ends[0]);
            users.push((items, n_distinct));
            rest = after;
        }
        kernels::parallel::for_each_chunk(&mut users, USERS_PER_TASK, |_, users| {
            users.iter_mut().for_each(|(items, n_distinct)| **n_distinct = sort_distinct(items));
        });
        n_distinct
    }

    /// Keeps the first items of each user, as many as are given.
    fn keep(&mut self, lens: &[usize]) {
        let mut end = 0;
        for (user, len) in lens.iter().enumerate() {
            let begin = std::mem::replace(&mut self.offsets[user], end);
            self.items.copy_within(begin..begin + len, end);
            end += len;
        }
        if let Some(last) = self.offsets.last_mut() {
            *last = end;
        }
        self.items.truncate(end);
    }
}

/// Sorts; the distinct values then come first, and their number is returned.
fn sort_distinct(values: &mut [u32]) -> usize {
    values.sort_unstable();
    let mut n = 0;
    for at in 0..values.len() {
        if n == 0 || values[n - 1] != values[at] {
            values[n] = values[at];
            n += 1;
        }
    }
    n
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn edges(pairs: &[(i64, i64)]) -> Tensor {
        let (users, items): (Vec<i64>, Vec<i64>) = pairs.iter().copied().unzip();
        Tensor::from_slice(&[users, items].concat()).reshape([2, -1])
    }

    #[test]
    fn an_edge_to_nowhere_is_refused() {
        for pair in [(3, 0), (0, 5), (-1, 0), (0, -1), (i64::MAX, 0), (0, i64::MAX)] {
            let error = ItemsByUser::from_edges(&edges(&[(0, 0), pair]), 3, 5).unwrap_err();
            assert!(error.to_string().contains("an edge names a node that has no embedding"), "{error}");
        }
        assert!(ItemsByUser::from_edges(&Tensor::from_slice(&[0_i64, 1]), 3, 5).is_err());
    }

    #[test]
    fn pieces_are_joined() {
        let pairs: Vec<_> = (0..300_000).map(|edge| (edge % 7, (299_999 - edge) / 10)).collect();
        let grouped = ItemsByUser::from_edges(&edges(&pairs), 7, 30_000).unwrap();
        // Of ten edges to an item, each user has one or two.
        assert!((0..7).all(|user| grouped.of(user).len() == 30_000 && grouped.of(user).is_sorted()));
    }

    proptest! {
        #[test]
        fn agrees_with_sets(pairs in prop::collection::vec((0_i64..20, 0_i64..30), 0..200)) {
            let grouped = ItemsByUser::from_edges(&edges(&pairs), 20, 30).unwrap();
            for user in 0..20_usize {
                let of_user = pairs.iter().filter(|pair| pair.0 == user as i64).map(|pair| pair.1 as u32);
                let expected: std::collections::BTreeSet<u32> = of_user.collect();
                prop_assert!(grouped.of(user).iter().eq(&expected));
            }
        }
    }
}
