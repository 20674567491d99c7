//! Against a plain sort of all scores.

use std::cmp::Ordering;

use proptest::prelude::*;

use super::*;

/// Every set of instructions that this processor has.
fn archs() -> Vec<pulp::Arch> {
    let archs = [pulp::Arch::Scalar, pulp::Arch::new()].into_iter();
    #[cfg(target_arch = "x86_64")]
    let archs = archs.chain(pulp::x86::V3::try_new().map(pulp::Arch::V3));
    archs.collect()
}

/// Every set of instructions, and with each both layouts.
const LAYOUTS: [fn(pulp::Arch, usize, usize) -> Items; 2] = [Items::tiled, Items::screened];

fn layouts() -> impl Iterator<Item = (pulp::Arch, fn(pulp::Arch, usize, usize) -> Items)> {
    archs().into_iter().flat_map(|arch| LAYOUTS.map(|layout| (arch, layout)))
}

fn laid_out(
    (arch, layout): (pulp::Arch, fn(pulp::Arch, usize, usize) -> Items),
    items: &[f32],
    n_items: usize,
    width: usize,
) -> Items {
    let mut made = layout(arch, n_items, width);
    for piece in made.pieces() {
        made.fill(piece.clone(), &items[piece.start * width..piece.end * width]);
    }
    made
}

/// The definition: a full sort. Whole numbers, so that every order of summing gives the same.
fn by_sorting(user: &[f32], items: &[f32], n_items: usize, known: &[u32], k: usize) -> Vec<Scored> {
    let score = |item: u32| {
        let row = &items[item as usize * user.len()..(item as usize + 1) * user.len()];
        user.iter().zip(row).map(|(one, other)| one * other).sum::<f32>() + 0.0
    };
    let unknown = (0..n_items as u32).filter(|item| !known.contains(item));
    let mut list: Vec<Scored> = unknown.map(|item| Scored { item, score: score(item) }).collect();
    list.sort_by(|one, other| match other.score.total_cmp(&one.score) {
        Ordering::Equal => one.item.cmp(&other.item),
        unequal => unequal,
    });
    list.truncate(k);
    list
}

#[derive(Debug, Clone)]
struct Case {
    width: usize,
    users: Vec<f32>,
    items: Vec<f32>,
    n_users: usize,
    n_items: usize,
    known: Vec<Vec<u32>>,
    k: usize,
}

fn cases() -> impl Strategy<Value = Case> {
    let sizes = (
        0_usize..40,
        0_usize..120,
        0_usize..36,
        prop_oneof![4 => 0_usize..30, 1 => 100_usize..300, 1 => Just(usize::MAX)],
    );
    sizes.prop_flat_map(|(n_users, n_items, width, k)| {
        // Few values, so that many scores tie.
        let value = || (-2_i8..3).prop_map(f32::from);
        let known = prop::collection::vec(0..n_items as u32 + 3, 0..2 * n_items + 1).prop_map(|mut items| {
            items.sort_unstable();
            items
        });
        let users = prop::collection::vec(value(), n_users * width);
        let items = prop::collection::vec(value(), n_items * width);
        let known = prop::collection::vec(known, n_users);
        (users, items, known).prop_map(move |(users, items, known)| Case {
            width,
            users,
            items,
            n_users,
            n_items,
            known,
            k,
        })
    })
}

proptest! {
    #[test]
    fn agrees_with_a_full_sort(case in cases()) {
        let Case { width, users, items, n_users, n_items, known, k } = case;
        let expected: Vec<_> =
            (0..n_users).map(|user| by_sorting(&users[user * width..(user + 1) * width], &items, n_items, &known[user], k)).collect();
        for (arch, layout) in layouts() {
            let items = laid_out((arch, layout), &items, n_items, width);
            prop_assert_eq!(&top_k(&users, n_users, &items, |user| &known[user], k).unwrap(), &expected, "{:?}", arch);
        }
    }
}

/// Numbers of no special kind, always the same.
fn noise(n: usize, seed: u64) -> Vec<f32> {
    let mut state = seed;
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    std::iter::repeat_with(next).take(n).collect()
}

#[test]
fn a_list_does_not_depend_on_who_else_is_ranked() {
    let (n_users, n_items, width) = (103, 1003, 67);
    let (users, items) = (noise(n_users * width, 1), noise(n_items * width, 2));
    for (arch, layout) in layouts() {
        let items = laid_out((arch, layout), &items, n_items, width);
        let known = |user: usize| if user.is_multiple_of(2) { &[3, 3, 500, 1002][..] } else { &[] };
        let together = top_k(&users, n_users, &items, known, 20).unwrap();
        for block in [1, 5, 12, 50] {
            let apart = users.chunks(block * width).enumerate().flat_map(|(index, users)| {
                top_k(users, users.len() / width, &items, |user| known(index * block + user), 20).unwrap()
            });
            assert!(apart.eq(together.iter().cloned()), "{arch:?}, {block}");
        }
    }
}

#[test]
fn processors_that_add_and_multiply_at_once_agree_to_the_last_bit() {
    let (n_users, n_items, width) = (30, 400, 129);
    let (users, items) = (noise(n_users * width, 3), noise(n_items * width, 4));
    let fused = layouts().filter(|(arch, _)| !matches!(arch, pulp::Arch::Scalar));
    let lists =
        fused.map(|layout| top_k(&users, n_users, &laid_out(layout, &items, n_items, width), |_| &[], 50).unwrap());
    let lists: Vec<_> = lists.collect();
    assert!(lists.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn pieces_of_a_large_table_are_joined() {
    let (n_items, width) = (70_003, 33);
    let items = noise(n_items * width, 5);
    let items_of = |layout| laid_out((pulp::Arch::new(), layout), &items, n_items, width);
    // A user of zeros and a one reads a column of the table.
    for (column, items_laid_out) in
        [(0, items_of(Items::tiled)), (32, items_of(Items::tiled)), (31, items_of(Items::screened))]
    {
        let mut user = vec![0.0; width];
        user[column] = 1.0;
        let mut list = top_k(&user, 1, &items_laid_out, |_| &[], usize::MAX).unwrap().remove(0);
        list.sort_by_key(|scored| scored.item);
        let expected = items.chunks(width).map(|row| row[column] + 0.0);
        assert!(list.iter().map(|scored| scored.score).eq(expected));
    }
}

#[test]
fn infinities_have_their_places_and_nan_has_none() {
    LAYOUTS.into_iter().for_each(infinities);
}

fn infinities(layout: fn(pulp::Arch, usize, usize) -> Items) {
    let rank = |items: &[f32], known: &[u32]| {
        top_k(&[1.0], 1, &laid_out((pulp::Arch::new(), layout), items, items.len(), 1), |_| known, 2)
    };
    let infinite = [f32::NEG_INFINITY, f32::MIN, f32::INFINITY, 0.0];
    let items = |list: &[Scored]| list.iter().map(|scored| scored.item).collect::<Vec<_>>();
    assert_eq!(items(&rank(&infinite, &[]).unwrap()[0]), [2, 3]);
    assert_eq!(items(&rank(&infinite[..2], &[]).unwrap()[0]), [1, 0]);
    let mut many = vec![f32::INFINITY; 100];
    assert_eq!(items(&rank(&many, &[0]).unwrap()[0]), [1, 2]);
    many[99] = f32::NAN;
    assert_eq!(rank(&many, &[]), Err(NotANumber));
    assert_eq!(rank(&many, &[99]), Err(NotANumber));
}

/// Rows near each other, rows of very different lengths, and rows that cannot be bounded.
#[test]
fn screening_leaves_every_list_as_it_is() {
    let (n_users, n_items, width) = (37, 700, 45);
    let noise = |n, seed| noise(n, seed);
    let mut near = noise(n_items * width, 6);
    near.iter_mut().enumerate().for_each(|(at, value)| *value = *value * 1e-3 + ((at % width) as f32).sin());
    let lengths = |values: Vec<f32>, of: fn(usize) -> f32| -> Vec<f32> {
        values.into_iter().enumerate().map(|(at, value)| value * of(at / width)).collect()
    };
    let spread = lengths(noise(n_items * width, 7), |row| 10_f32.powi(row as i32 % 9 - 4));
    let extreme = lengths(noise(n_items * width, 8), |row| [1.0, 0.0, 1e-30, 1e-18, 1e25, 1e19, 1e-40][row % 7]);
    let sparse: Vec<f32> =
        (0..n_items * width).map(|at| f32::from(u8::from(at % width == at / width % width))).collect();
    let mut users = lengths(noise(n_users * width, 9), |row| [1.0, 1e-3, 1e4, 0.0, 1e-20, 1e18][row % 6]);
    users[..width].fill(0.0);
    users[3] = 1.0;
    for (name, items) in [("near", near), ("spread", spread), ("extreme", extreme), ("sparse", sparse)] {
        let known: Vec<u32> = (0..n_items as u32).step_by(3).collect();
        for k in [1, 10, 200, n_items] {
            let rank = |layout| {
                top_k(&users, n_users, &laid_out((pulp::Arch::new(), layout), &items, n_items, width), |_| &known, k)
            };
            let (expected, found) = (rank(Items::tiled), rank(Items::screened));
            assert!(expected == found, "{name}, {k}");
            assert!(expected.is_ok(), "{name}");
        }
    }
}
