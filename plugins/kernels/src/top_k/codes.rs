//! Rows of numbers as 8-bit codes with a scale, and how far a product of codes can be from the score that it stands for.
//!
//! A row x is s q + r: q whole numbers from -127 to 127, s the scale, r what is left. By Cauchy and Schwarz the product of a user's row
//! u and an item's v then is s_u s_v (q_u . q_v) up to |r_u| |v| + |s_u q_u| |r_v|. Of the items one vector near their mean is taken off
//! first: it moves all scores of a user alike, so that their order is the same, and leaves less to be rounded. To the bound is added by
//! how much a score, a sum of `width` rounded numbers, can be off itself.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::screen::{ITEMS, USERS};
use crate::parallel::{self, Disjoint};

/// Numbers that are multiplied and added by one instruction.
pub const GROUP: usize = 4;

/// All codes have this added in an item, where they are without a sign.
const OFFSET: i32 = 128;

/// Lengths between 0 and this are not bounded: their products lose bits at the lower end of the numbers.
const SHORTEST: f32 = 1e-15;

/// Upper bounds of lengths; the lengths themselves are sums of rounded squares.
const MARGIN: f32 = 1.001;

/// Rows that the vector near the mean is taken from, at most.
const SAMPLE: usize = 1024;

/// What is known of a row beside its codes.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    scale: f32,
    /// Of the row; infinite if it cannot be bounded.
    length: f32,
    /// Of what the codes leave.
    rest: f32,
}

/// How far the sum that is a score can be from the product, as a part of the lengths.
fn rounding(width: usize) -> f32 {
    (width as f32 + 8.0) / (1 << 24) as f32 + 1.0 / (1 << 19) as f32
}

#[inline(always)]
fn length(values: &[f32]) -> f32 {
    const LANES: usize = 16;
    let mut sums = [0.0_f32; LANES];
    let (whole, rest) = values.as_chunks::<LANES>();
    for values in whole {
        sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value * value);
    }
    sums.iter_mut().zip(rest).for_each(|(sum, value)| *sum += value * value);
    sums.iter().sum::<f32>().sqrt() * MARGIN
}

/// Turns a row into codes and leaves in it what they leave. `codes` may be longer; the rest is 0.
#[inline(always)]
fn encode(row: &mut [f32], codes: &mut [i8]) -> Bounds {
    // Adding it leaves a small number's nearest whole number in the lowest bits.
    const TO_WHOLE: f32 = 12_582_912.0;
    let largest = row.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
    let length_of_row = length(row);
    let is_bounded = length_of_row.is_finite() && largest > 1e-30;
    codes.fill(0);
    if !is_bounded {
        let length = if length_of_row.is_finite() { largest * row.len() as f32 } else { f32::INFINITY };
        return Bounds { scale: 0.0, length, rest: length };
    }
    let (scale, inverse) = (largest / 127.0, 127.0 / largest);
    for (value, code) in row.iter_mut().zip(codes) {
        let shifted = *value * inverse + TO_WHOLE;
        *code = shifted.to_bits() as i8;
        *value -= (shifted - TO_WHOLE) * scale;
    }
    Bounds { scale, length: length_of_row, rest: length(row) + length_of_row / (1 << 22) as f32 }
}

/// The items: their rows, and their codes in panels of [`ITEMS`], in a panel group by group.
#[derive(Debug)]
pub struct Codes {
    rows: Vec<f32>,
    width: usize,
    n_items: usize,
    /// What was taken off, and its length.
    center: Vec<f32>,
    center_length: f32,
    codes: Vec<[[u8; GROUP]; ITEMS]>,
    panels: Vec<PanelBounds>,
}

/// Of the items of a panel: score in units of the user's scale = product of codes * `scale`, up to the user's length times
/// (user's part that the codes leave * `length` + `rest`).
#[derive(Debug, Clone, Copy)]
pub struct PanelBounds {
    pub scale: [f32; ITEMS],
    pub length: [f32; ITEMS],
    pub rest: [f32; ITEMS],
}

impl Codes {
    pub fn new(n_items: usize, width: usize) -> Self {
        let n_panels = n_items.div_ceil(ITEMS);
        let empty = PanelBounds { scale: [0.0; ITEMS], length: [0.0; ITEMS], rest: [0.0; ITEMS] };
        Self {
            rows: vec![0.0; n_items * width],
            width,
            n_items,
            center: Vec::new(),
            center_length: 0.0,
            codes: vec![[[OFFSET as u8; GROUP]; ITEMS]; n_panels * width.div_ceil(GROUP)],
            panels: vec![empty; n_panels],
        }
    }

    pub fn row(&self, item: u32) -> &[f32] {
        &self.rows[item as usize * self.width..(item as usize + 1) * self.width]
    }

    pub fn width(&self) -> usize {
        self.width
    }

    /// Copies the rows of items, `[items, width]`, which begin with a panel.
    pub fn fill(&mut self, arch: pulp::Arch, items: Range<usize>, rows: &[f32]) {
        let width = self.width;
        if self.center.is_empty() {
            self.center = near_mean(rows, width);
            self.center_length = length(&self.center);
        }
        let (first, n_groups) = (items.start / ITEMS, width.div_ceil(GROUP));
        let center = (&self.center[..], self.center_length);
        let copies = Disjoint::new(&mut self.rows[items.start * width..items.end * width]);
        let codes = Disjoint::new(&mut self.codes[first * n_groups..]);
        let panels = Disjoint::new(&mut self.panels[first..]);
        parallel::for_each_with(
            items.len().div_ceil(ITEMS),
            || Scratch::new(width),
            |scratch, panel| {
                let begin = panel * ITEMS * width;
                let rows = &rows[begin..(begin + ITEMS * width).min(rows.len())];
                // SAFETY: a panel's rows, codes and bounds belong to its task alone.
                let (copy, codes, bounds) = unsafe {
                    (
                        copies.range(begin, begin + rows.len()),
                        codes.range(panel * n_groups, (panel + 1) * n_groups),
                        panels.range(panel, panel + 1),
                    )
                };
                copy.copy_from_slice(rows);
                arch.dispatch(EncodePanel { rows, center, scratch, codes, bounds: &mut bounds[0] });
            },
        );
    }

    pub fn n_items(&self) -> usize {
        self.n_items
    }

    pub fn panels(&self) -> impl ExactSizeIterator<Item = Panel<'_>> {
        let n_groups = self.width.div_ceil(GROUP);
        self.panels.iter().enumerate().map(move |(number, bounds)| {
            let codes = &self.codes[number * n_groups..(number + 1) * n_groups];
            let items = number * ITEMS..((number + 1) * ITEMS).min(self.n_items);
            Panel { number, items, codes, bounds }
        })
    }
}

/// Some items.
pub struct Panel<'a> {
    pub number: usize,
    /// Their ids, up to [`ITEMS`].
    pub items: Range<usize>,
    pub codes: &'a [[[u8; GROUP]; ITEMS]],
    pub bounds: &'a PanelBounds,
}

impl Panel<'_> {
    /// How far scores can be off, as parts of a user's length, for users of whose lengths the codes leave up to `rest`.
    #[inline(always)]
    pub fn part(&self, rest: f32) -> [f32; ITEMS] {
        std::array::from_fn(|item| rest * self.bounds.length[item] + self.bounds.rest[item])
    }
}

/// The mean of some rows, without those that are not finite.
fn near_mean(rows: &[f32], width: usize) -> Vec<f32> {
    let mut sum = vec![0.0; width];
    let n_rows = rows.len() / width.max(1);
    let step = n_rows.div_ceil(SAMPLE).max(1);
    let mut n = 0;
    for row in rows.chunks_exact(width.max(1)).step_by(step).filter(|row| length(row).is_finite()) {
        sum.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
        n += 1;
    }
    sum.iter_mut().for_each(|sum| *sum /= n.max(1) as f32);
    if length(&sum).is_finite() {
        sum
    } else {
        vec![0.0; width]
    }
}

struct Scratch {
    row: Vec<f32>,
    codes: Vec<i8>,
}

impl Scratch {
    fn new(width: usize) -> Self {
        Self { row: vec![0.0; width], codes: vec![0; width.next_multiple_of(GROUP)] }
    }
}

struct EncodePanel<'a> {
    rows: &'a [f32],
    /// What is taken off, and its length.
    center: (&'a [f32], f32),
    scratch: &'a mut Scratch,
    codes: &'a mut [[[u8; GROUP]; ITEMS]],
    bounds: &'a mut PanelBounds,
}

impl WithSimd for EncodePanel<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { rows, center: (center, center_length), scratch, codes, bounds: panel } = self;
        let rounding = rounding(center.len());
        for (lane, row) in rows.chunks_exact(center.len().max(1)).enumerate() {
            for (value, (number, center)) in scratch.row.iter_mut().zip(row.iter().zip(center)) {
                *value = number - center;
            }
            let bounds = encode(&mut scratch.row, &mut scratch.codes);
            for (codes, group) in codes.iter_mut().zip(scratch.codes.as_chunks::<GROUP>().0) {
                codes[lane] = group.map(|code| (i32::from(code) + OFFSET) as u8);
            }
            let whole = bounds.length + center_length;
            let is_bounded = whole.is_finite() && (whole == 0.0 || whole > SHORTEST);
            panel.scale[lane] = bounds.scale;
            (panel.length[lane], panel.rest[lane]) = if is_bounded {
                (MARGIN * (bounds.length + bounds.rest), MARGIN * (bounds.rest + rounding * whole))
            } else {
                (0.0, f32::INFINITY)
            };
        }
    }
}

/// Up to [`USERS`] users.
pub struct UserCodes {
    /// Group by group.
    pub codes: Vec<[[i8; GROUP]; USERS]>,
    /// What the offset of the items adds to a product.
    pub offset: [i32; USERS],
    /// In units of the scale.
    pub length: [f32; USERS],
    /// The largest part of a length that codes leave.
    pub rest: f32,
}

/// Makes [`UserCodes`] of rows `[n, width]`, n up to [`USERS`].
pub struct EncodeUsers<'a> {
    pub rows: &'a [f32],
    pub width: usize,
}

impl WithSimd for EncodeUsers<'_> {
    type Output = UserCodes;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> UserCodes {
        let Self { rows, width } = self;
        let mut users = UserCodes {
            codes: vec![[[0; GROUP]; USERS]; width.div_ceil(GROUP)],
            offset: [0; USERS],
            length: [0.0; USERS],
            rest: 0.0,
        };
        let mut scratch = Scratch::new(width);
        for (lane, row) in rows.chunks_exact(width.max(1)).enumerate() {
            scratch.row.copy_from_slice(row);
            let Bounds { scale, length, rest } = encode(&mut scratch.row, &mut scratch.codes);
            for (codes, group) in users.codes.iter_mut().zip(scratch.codes.as_chunks::<GROUP>().0) {
                codes[lane] = *group;
            }
            users.offset[lane] = OFFSET * scratch.codes.iter().map(|code| i32::from(*code)).sum::<i32>();
            let is_bounded = length > SHORTEST && length.is_finite() && scale > 0.0;
            if is_bounded {
                users.length[lane] = MARGIN * length / scale;
                users.rest = users.rest.max(MARGIN * rest / length);
            } else if length != 0.0 {
                users.length[lane] = f32::INFINITY;
            }
        }
        users
    }
}
