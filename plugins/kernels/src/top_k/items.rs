//! [`Items`]: all items, copied to the order in which they are read.

use std::ops::Range;

use super::codes::Codes;
use super::panels::Panels;
use super::{screen, tile};

/// All items, laid out for ranking.
#[derive(Debug)]
pub struct Items {
    arch: pulp::Arch,
    layout: Layout,
    n_items: usize,
    width: usize,
}

/// Which way leads to the lists. All of them give the same.
#[derive(Debug)]
pub(super) enum Layout {
    /// Every score is made; as large as the items themselves.
    Panels(Panels),
    /// Scores are bounded by 8-bit products, and few are made; a quarter larger.
    Codes(Codes),
}

/// About how many numbers a piece of items has that is read at once: they stay in the second cache until they are in their places.
const PIECE: usize = 1 << 17;

impl Items {
    /// Room for the items; [`Items::fill`] puts them there.
    ///
    /// # Panics
    /// If ids of 32 bits do not reach.
    pub fn new(n_items: usize, width: usize) -> Self {
        let arch = crate::arch::arch();
        if screen::is_available(arch) && width <= screen::WIDEST {
            Self::screened(arch, n_items, width)
        } else {
            Self::tiled(arch, n_items, width)
        }
    }

    pub(super) fn tiled(arch: pulp::Arch, n_items: usize, width: usize) -> Self {
        assert!(u32::try_from(n_items).is_ok(), "{n_items} items");
        let layout = Layout::Panels(Panels::new(n_items, width, tile::items_per_tile(arch)));
        Self { arch, layout, n_items, width }
    }

    pub(super) fn screened(arch: pulp::Arch, n_items: usize, width: usize) -> Self {
        assert!(u32::try_from(n_items).is_ok(), "{n_items} items");
        Self { arch, layout: Layout::Codes(Codes::new(n_items, width)), n_items, width }
    }

    /// How many items, and their multiples, a piece may begin with.
    fn step(&self) -> usize {
        match &self.layout {
            Layout::Panels(panels) => panels.n_columns(),
            Layout::Codes(_) => screen::ITEMS,
        }
    }

    /// The items a piece at a time, for who cannot give them all at once.
    pub fn pieces(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        let (n_items, len) = (self.n_items, (PIECE / self.width.max(1)).max(1).next_multiple_of(self.step()));
        (0..n_items).step_by(len).map(move |first| first..(first + len).min(n_items))
    }

    /// Copies the rows of items, `[items, width]`: all of them, or one of [`Items::pieces`], in their order.
    ///
    /// # Panics
    /// If they are not as many, or do not begin where a piece does.
    pub fn fill(&mut self, items: Range<usize>, rows: &[f32]) {
        let (step, width) = (self.step(), self.width);
        assert!(items.end <= self.n_items && items.start.is_multiple_of(step), "{items:?} of {}", self.n_items);
        assert_eq!(rows.len(), items.len() * width, "{} rows of {width}", items.len());
        match &mut self.layout {
            Layout::Panels(panels) => panels.fill(items, rows),
            Layout::Codes(codes) => codes.fill(self.arch, items, rows),
        }
    }

    pub fn n_items(&self) -> usize {
        self.n_items
    }

    pub fn width(&self) -> usize {
        self.width
    }

    pub(super) fn arch(&self) -> pulp::Arch {
        self.arch
    }

    pub(super) fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Users are taken in multiples of this.
    pub(super) fn users_per_tile(&self) -> usize {
        match &self.layout {
            Layout::Panels(_) => tile::users_per_tile(self.arch),
            Layout::Codes(_) => screen::USERS,
        }
    }

    /// Users that a thread takes at once, at most: their rows stay in the second cache while the items pass.
    pub(super) fn most_users(&self) -> usize {
        const MOST_USERS: usize = 192;
        match &self.layout {
            Layout::Panels(_) => MOST_USERS,
            Layout::Codes(_) => screen::most_users(self.n_items).min(MOST_USERS),
        }
    }
}
