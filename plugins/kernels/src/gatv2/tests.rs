//! The layer against its definition in f64, with every edge's intermediate values written out.

use proptest::prelude::*;

use super::*;
use crate::csr::{group, CsrBuffers};

#[derive(Debug)]
struct Case {
    n_sources: usize,
    n_destinations: usize,
    heads: usize,
    channels: usize,
    edges: Vec<(i64, i64)>,
    x_l: Vec<f32>,
    x_r: Vec<f32>,
    att: Vec<f32>,
    bias: Vec<f32>,
    grad_out: Vec<f32>,
    dropout: Option<Dropout>,
}

/// Out and the gradients of x_l, x_r, att.
type Results = [Vec<f64>; 4];

const SLOPE: f32 = 0.2;

impl Case {
    /// Values on a grid, so that `x_l + x_r` is often exactly 0.
    fn new(n: (usize, usize), (heads, channels): (usize, usize), edges: Vec<(i64, i64)>, probability: f64) -> Self {
        let mut state = 88_172_645_463_325_252_u64;
        let mut draw = |n: usize| -> Vec<f32> {
            let value = |_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                ((state >> 40) % 33) as f32 / 16.0 - 1.0
            };
            (0..n).map(value).collect()
        };
        let width = heads * channels;
        let (x_l, x_r, grad_out) = (draw(n.0 * width), draw(n.1 * width), draw(n.1 * width));
        let (att, bias, dropout) = (draw(width), draw(width), Dropout::new(probability, 11));
        Self { n_sources: n.0, n_destinations: n.1, heads, channels, edges, x_l, x_r, att, bias, grad_out, dropout }
    }

    fn grouped(&self) -> (CsrBuffers, CsrBuffers) {
        let (sources, destinations): (Vec<i64>, Vec<i64>) = self.edges.iter().copied().unzip();
        let by_destination = group(&destinations, &sources, self.n_destinations, self.n_sources).unwrap();
        (by_destination, group(&sources, &destinations, self.n_sources, self.n_destinations).unwrap())
    }

    fn fused(&self) -> Results {
        let width = self.heads * self.channels;
        let layer = Gatv2 {
            x_l: Rows::new(&self.x_l, self.n_sources, width),
            x_r: Rows::new(&self.x_r, self.n_destinations, width),
            att: &self.att,
            bias: Some(&self.bias),
            heads: self.heads,
            negative_slope: SLOPE,
            dropout: self.dropout,
        };
        let (by_destination, by_source) = self.grouped();
        let mut out = vec![f32::NAN; self.n_destinations * width];
        let mut scores = vec![f32::NAN; self.edges.len() * self.heads];
        let mut log_sums = vec![f32::NAN; self.n_destinations * self.heads];
        let saved = Saved { scores: &mut scores, log_sums: &mut log_sums };
        layer.forward(&by_destination.view(), &mut out, Some(saved));
        let mut without = vec![f32::NAN; out.len()];
        layer.forward(&by_destination.view(), &mut without, None);
        assert_eq!(out, without, "saving changes nothing");
        let incoming = Incoming {
            scores: &scores,
            log_sums: &log_sums,
            out: Rows::new(&out, self.n_destinations, width),
            grad_out: Rows::new(&self.grad_out, self.n_destinations, width),
        };
        let mut grad_x_l = vec![f32::NAN; self.x_l.len()];
        let mut grad_x_r = vec![f32::NAN; self.x_r.len()];
        let mut grad_att = vec![f32::NAN; width];
        let gradients = Gradients { x_l: &mut grad_x_l, x_r: &mut grad_x_r, att: &mut grad_att };
        layer.backward(&by_destination.view(), &by_source.view(), &incoming, gradients);
        [out, grad_x_l, grad_x_r, grad_att].map(|values| values.into_iter().map(f64::from).collect())
    }

    fn by_definition(&self) -> Results {
        let (width, channels) = (self.heads * self.channels, self.channels);
        let bias = self.bias.iter().map(|bias| f64::from(*bias));
        let mut out: Vec<f64> = bias.cycle().take(self.n_destinations * width).collect();
        let mut grads = [vec![0.0; self.x_l.len()], vec![0.0; self.x_r.len()], vec![0.0; width]];
        let kept = |edge: usize, head: usize| match self.dropout {
            None => 1.0,
            Some(dropout) => f64::from(dropout.factor((edge * self.heads + head) as u64)),
        };
        for i in 0..self.n_destinations {
            for head in 0..self.heads {
                let incoming: Vec<usize> = (0..self.edges.len()).filter(|e| self.edges[*e].1 as usize == i).collect();
                let x =
                    |e: usize, c: usize| f64::from(self.x_l[self.edges[e].0 as usize * width + head * channels + c]);
                let y = |c: usize| f64::from(self.x_r[i * width + head * channels + c]);
                let g = |c: usize| f64::from(self.grad_out[i * width + head * channels + c]);
                let a = |c: usize| f64::from(self.att[head * channels + c]);
                let slope = |s: f64| if s > 0.0 { 1.0 } else { f64::from(SLOPE) };
                let sum = |e: usize, c: usize| x(e, c) + y(c);
                let scores: Vec<f64> = incoming
                    .iter()
                    .map(|e| (0..channels).map(|c| a(c) * sum(*e, c) * slope(sum(*e, c))).sum())
                    .collect();
                let total: f64 = scores.iter().map(|score: &f64| score.exp()).sum();
                let alphas: Vec<f64> = scores.iter().map(|score| score.exp() / total).collect();
                let d_alphas: Vec<f64> = incoming
                    .iter()
                    .map(|e| kept(*e, head) * (0..channels).map(|c| g(c) * x(*e, c)).sum::<f64>())
                    .collect();
                let mean: f64 = alphas.iter().zip(&d_alphas).map(|(alpha, d)| alpha * d).sum();
                for ((e, alpha), d_alpha) in incoming.iter().zip(&alphas).zip(&d_alphas) {
                    let d_score = alpha * (d_alpha - mean);
                    for c in 0..channels {
                        let at = head * channels + c;
                        let j = self.edges[*e].0 as usize;
                        out[i * width + at] += kept(*e, head) * alpha * x(*e, c);
                        let d_sum = d_score * a(c) * slope(sum(*e, c));
                        grads[0][j * width + at] += d_sum + kept(*e, head) * alpha * g(c);
                        grads[1][i * width + at] += d_sum;
                        grads[2][at] += d_score * sum(*e, c) * slope(sum(*e, c));
                    }
                }
            }
        }
        let [x_l, x_r, att] = grads;
        [out, x_l, x_r, att]
    }

    fn check(&self) {
        let names = ["out", "grad x_l", "grad x_r", "grad att"];
        for (name, (fused, expected)) in names.iter().zip(self.fused().iter().zip(self.by_definition())) {
            let largest = expected.iter().fold(1.0_f64, |largest, value| largest.max(value.abs()));
            for (at, (fused, expected)) in fused.iter().zip(&expected).enumerate() {
                assert!((fused - expected).abs() <= 2e-5 * largest, "{name}[{at}]: {fused}, expected {expected}");
            }
        }
    }
}

proptest! {
    #[test]
    fn agrees_with_its_definition(
        edges in prop::collection::vec((0_i64..9, 0_i64..7), 0..120),
        heads in 1_usize..4,
        channels in 1_usize..40,
        probability in prop_oneof![Just(0.0), Just(0.3), Just(1.0)],
    ) {
        Case::new((9, 7), (heads, channels), edges, probability).check();
    }
}

#[test]
fn common_shapes_agree_with_the_definition() {
    let edges: Vec<(i64, i64)> = (0..400).map(|edge| (edge * 7 % 23, edge * 5 % 11)).collect();
    for shape in [(2, 128), (8, 16), (2, 64), (1, 1), (4, 33)] {
        Case::new((23, 11), shape, edges.clone(), 0.1).check();
    }
}

#[test]
fn a_hub_that_is_split_agrees_with_the_definition() {
    let hub = (0..3000).map(|edge| (edge % 50, 1));
    let others = (0..300).map(|edge| (2, edge % 40));
    Case::new((50, 40), (2, 8), hub.chain(others).collect(), 0.2).check();
}

#[test]
fn no_edges_and_one_node() {
    Case::new((3, 2), (2, 5), Vec::new(), 0.0).check();
    Case::new((1, 1), (1, 3), vec![(0, 0)], 0.0).check();
    Case::new((0, 0), (1, 3), Vec::new(), 0.0).check();
}

extern "C" {
    fn omp_set_num_threads(n: std::os::raw::c_int);
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let edges: Vec<(i64, i64)> = (0..20_000_i64).map(|edge| (edge * edge % 211, edge * 31 % 97)).collect();
    let case = Case::new((211, 97), (2, 16), edges, 0.1);
    let on = |threads| {
        // SAFETY: sets this thread's number of OpenMP threads, nothing else.
        unsafe { omp_set_num_threads(threads) };
        case.fused()
    };
    let (one, two, seven) = (on(1), on(2), on(7));
    assert_eq!(one, two);
    assert_eq!(one, seven);
}
