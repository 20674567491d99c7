//! The product and LightGCN's propagation against their definitions in f64.

use proptest::prelude::*;

use super::light_gcn::LightGcn;
use super::*;
use crate::csr::{group, CsrBuffers};

fn values(n: usize, seed: u64) -> Vec<f32> {
    let mut state = 88_172_645_463_325_252_u64 ^ seed;
    let value = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..n).map(value).collect()
}

#[track_caller]
fn assert_close(ours: &[f32], expected: &[f64]) {
    let largest = expected.iter().fold(1.0_f64, |largest, value| largest.max(value.abs()));
    assert_eq!(ours.len(), expected.len());
    for (at, (ours, expected)) in ours.iter().zip(expected).enumerate() {
        assert!((f64::from(*ours) - expected).abs() <= 1e-5 * largest, "[{at}]: {ours}, expected {expected}");
    }
}

/// Edges between `n.0` sources and `n.1` destinations.
struct Case {
    n: (usize, usize),
    width: usize,
    edges: Vec<(i64, i64)>,
}

impl Case {
    fn grouped(&self) -> (CsrBuffers, CsrBuffers) {
        let (sources, destinations): (Vec<i64>, Vec<i64>) = self.edges.iter().copied().unzip();
        let by_source = group(&sources, &destinations, self.n.0, self.n.1).unwrap();
        (by_source, group(&destinations, &sources, self.n.1, self.n.0).unwrap())
    }

    fn product(&self, with_factors: bool, with_plus: bool) -> (Vec<f32>, Vec<f64>) {
        let Self { n, width, edges } = self;
        let (x, z) = (values(n.0 * width, 1), values(n.1 * width, 2));
        let (a, b) = (values(n.1, 3), values(n.0, 4));
        let product = Spmm {
            x: Rows::new(&x, n.0, *width),
            of_row: with_factors.then_some(&a),
            of_neighbour: with_factors.then_some(&b),
            times: 0.75,
            plus: with_plus.then_some((-0.5, Rows::new(&z, n.1, *width))),
        };
        let mut out = vec![f32::NAN; z.len()];
        product.write(&self.grouped().1.view(), &mut out);
        let mut expected: Vec<f64> = z.iter().map(|z| if with_plus { -0.5 * f64::from(*z) } else { 0.0 }).collect();
        for (j, i) in edges.iter().map(|(j, i)| (*j as usize, *i as usize)) {
            let factor = if with_factors { f64::from(a[i]) * f64::from(b[j]) } else { 1.0 };
            for c in 0..*width {
                expected[i * width + c] += 0.75 * factor * f64::from(x[j * width + c]);
            }
        }
        (out, expected)
    }

    fn propagated(&self, layer_weights: &[f32]) -> Vec<f32> {
        let (by_source, by_destination) = self.grouped();
        let x = values((self.n.0 + self.n.1) * self.width, 5);
        let mut out = vec![f32::NAN; x.len()];
        let graph = LightGcn { by_source: by_source.view(), by_destination: by_destination.view(), layer_weights };
        graph.propagate(&x, self.width, &mut out);
        out
    }

    /// Layer by layer, edge by edge, over one set of nodes.
    fn propagated_by_definition(&self, layer_weights: &[f32]) -> Vec<f64> {
        let Self { n, width, edges } = self;
        let ends: Vec<(usize, usize)> = edges.iter().map(|(s, d)| (*s as usize, n.0 + *d as usize)).collect();
        let mut degrees = vec![0.0_f64; n.0 + n.1];
        ends.iter().for_each(|(s, d)| [*s, *d].into_iter().for_each(|node| degrees[node] += 1.0));
        let mut x: Vec<f64> = values(degrees.len() * width, 5).into_iter().map(f64::from).collect();
        let mut out = vec![0.0; x.len()];
        for weight in layer_weights {
            out.iter_mut().zip(&x).for_each(|(out, x)| *out += f64::from(*weight) * x);
            let mut next = vec![0.0; x.len()];
            for (s, d) in &ends {
                let factor = 1.0 / (degrees[*s] * degrees[*d]).sqrt();
                for c in 0..*width {
                    next[s * width + c] += factor * x[d * width + c];
                    next[d * width + c] += factor * x[s * width + c];
                }
            }
            x = next;
        }
        out
    }

    fn check(&self) {
        for (with_factors, with_plus) in [(false, false), (false, true), (true, false), (true, true)] {
            let (out, expected) = self.product(with_factors, with_plus);
            assert_close(&out, &expected);
        }
        for layer_weights in [&[0.5][..], &[0.25, 0.5], &[1.0 / 3.0; 3], &[0.4, 0.3, 0.2, 0.1], &[0.2; 5]] {
            assert_close(&self.propagated(layer_weights), &self.propagated_by_definition(layer_weights));
        }
    }
}

proptest! {
    #[test]
    fn agree_with_their_definitions(
        edges in prop::collection::vec((0_i64..9, 0_i64..7), 0..150),
        exchanged in any::<bool>(),
        width in 0_usize..80,
    ) {
        let (n, edges) = match exchanged {
            false => ((9, 7), edges),
            true => ((7, 9), edges.into_iter().map(|(one, other)| (other, one)).collect()),
        };
        Case { n, width, edges }.check();
    }
}

#[test]
fn a_hub_that_is_split_agrees_with_the_definitions() {
    let hub = (0..3000).map(|edge| (edge % 50, 1));
    let others = (0..300).map(|edge| (2, edge % 40));
    Case { n: (50, 40), width: 19, edges: hub.chain(others).collect() }.check();
}

#[test]
fn no_edges_and_one_node() {
    Case { n: (3, 2), width: 5, edges: Vec::new() }.check();
    Case { n: (1, 1), width: 3, edges: vec![(0, 0)] }.check();
    Case { n: (0, 0), width: 3, edges: Vec::new() }.check();
}

extern "C" {
    fn omp_set_num_threads(n: std::os::raw::c_int);
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let edges: Vec<(i64, i64)> = (0..20_000_i64).map(|edge| (edge * edge % 211, edge * 31 % 97)).collect();
    let case = Case { n: (211, 97), width: 33, edges };
    let on = |threads| {
        // SAFETY: sets this thread's number of OpenMP threads, nothing else.
        unsafe { omp_set_num_threads(threads) };
        case.propagated(&[0.25; 4])
    };
    let (one, two, seven) = (on(1), on(2), on(7));
    assert_eq!(one, two);
    assert_eq!(one, seven);
}
