//! Against libtorch's matmul and topk; independence of threads and blocks.

use super::*;

fn ranked(lists: &[Vec<Scored>]) -> Vec<Vec<u32>> {
    lists.iter().map(|list| list.iter().map(|scored| scored.item).collect()).collect()
}

/// Embeddings of users `[103, 67]` and items `[1009, 67]`, and edges that mask some.
fn example() -> (Tensor, Tensor, ItemsByUser) {
    tch::manual_seed(11);
    let (users, items) =
        (Tensor::randn([103, 67], (Kind::Float, Device::Cpu)), Tensor::randn([1009, 67], (Kind::Float, Device::Cpu)));
    let ends = [
        Tensor::randint(103, [5000], (Kind::Int64, Device::Cpu)),
        Tensor::randint(1009, [5000], (Kind::Int64, Device::Cpu)),
    ];
    let known = ItemsByUser::from_edges(&Tensor::stack(&ends, 0), 103, 1009).unwrap();
    (users, items, known)
}

#[test]
fn agrees_with_libtorch() {
    let (users, items, known) = example();
    let lists = ItemRanking::new(&items).unwrap().top_k(&users, |user| known.of(user), 10).unwrap();
    let scores = users.matmul(&items.tr()); // [n_users, n_items]
    for (user, list) in ranked(&lists).into_iter().enumerate() {
        let known: Vec<i64> = known.of(user).iter().map(|&item| i64::from(item)).collect();
        let scores = scores.get(user as i64).index_fill(0, &Tensor::from_slice(&known), f64::NEG_INFINITY);
        let (best, expected) = scores.topk(10, 0, true, true);
        let expected: Vec<i64> = expected.try_into().unwrap();
        assert!(list.iter().map(|&item| i64::from(item)).eq(expected));
        let best: Vec<f32> = best.try_into().unwrap();
        assert!(lists[user].iter().zip(best).all(|(scored, best)| (scored.score - best).abs() < 1e-4));
    }
}

#[test]
fn neither_threads_nor_blocks_change_a_bit() {
    let (users, items, known) = example();
    let ranking = ItemRanking::new(&items).unwrap();
    let expected = ranking.top_k(&users, |user| known.of(user), 20).unwrap();
    let n_threads = tch::get_num_threads();
    for threads in [1, 2, 3] {
        tch::set_num_threads(threads);
        for block in [1, 7, 64, 1000] {
            let mut lists = Vec::new();
            for begin in (0..103).step_by(block) {
                let rows = users.narrow(0, begin, (block as i64).min(103 - begin));
                lists.extend(ranking.top_k(&rows, |row| known.of(begin as usize + row), 20).unwrap());
            }
            assert_eq!(lists, expected, "{threads} threads, blocks of {block}");
        }
    }
    tch::set_num_threads(n_threads);
}

#[test]
fn nobody_nothing_and_no_width() {
    let rank = |n_users: i64, n_items: i64, width: i64| {
        let zeros = |n| Tensor::zeros([n, width], (Kind::Float, Device::Cpu));
        ranked(&ItemRanking::new(&zeros(n_items)).unwrap().top_k(&zeros(n_users), |_| &[1], 3).unwrap())
    };
    assert_eq!(rank(0, 5, 4), Vec::<Vec<u32>>::new());
    assert_eq!(rank(2, 0, 4), [[0_u32; 0]; 2]);
    assert_eq!(rank(2, 5, 0), [[0, 2, 3]; 2]);
    assert_eq!(rank(1, 2, 4), [[0]]);
}

#[test]
fn what_cannot_be_ranked_is_an_error() {
    let ones = Tensor::ones([4, 3], (Kind::Float, Device::Cpu));
    let ranking = ItemRanking::new(&ones).unwrap();
    let said = |users: &Tensor| ranking.top_k(users, |_| &[], 1).unwrap_err().to_string();
    assert!(said(&(&ones * f64::NAN)).contains("some scores are NaN"));
    assert!(said(&Tensor::ones([4, 2], (Kind::Float, Device::Cpu))).contains("users are 2 wide, items 3"));
    assert!(said(&Tensor::ones([3], (Kind::Float, Device::Cpu))).contains("[3]"));
    assert!(ItemRanking::new(&Tensor::ones([3], (Kind::Float, Device::Cpu))).is_err());
}
