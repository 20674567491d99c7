//! The rows of a piece of a ratings file as columns. Nearly every row is read by [`plain_row`], byte after byte into numbers; what it
//! does not know is left to [`Layout::row`].

use crate::blocks::{first_line, MAX_LINE};
use crate::layout::{shortened, Fields, Layout, Separator};
use crate::ratings::OnBadRow;
use crate::raw_ids::RawIds;

/// Bytes of a short row, for guessing how many there are.
const SHORT_ROW: usize = 20;

/// The rows as columns of equal length, in file order.
#[derive(Debug, Default, PartialEq)]
pub struct Columns {
    /// Raw user ids, at least 0.
    pub user: RawIds,
    /// Raw movie ids, at least 0.
    pub movie: RawIds,
    /// Stars, finite.
    pub rating: Vec<f32>,
    /// Seconds since 1970-01-01 UTC.
    pub timestamp: Vec<i64>,
}

/// One row.
pub struct Row {
    pub user: i64,
    pub movie: i64,
    pub rating: f32,
    pub timestamp: i64,
}

impl Columns {
    fn with_capacity(n: usize) -> Self {
        Self {
            user: RawIds::with_capacity(n),
            movie: RawIds::with_capacity(n),
            rating: Vec::with_capacity(n),
            timestamp: Vec::with_capacity(n),
        }
    }

    pub fn len(&self) -> usize {
        self.rating.len()
    }

    pub fn push(&mut self, row: Row) {
        self.user.push(row.user);
        self.movie.push(row.movie);
        self.rating.push(row.rating);
        self.timestamp.push(row.timestamp);
    }

    pub fn append(&mut self, other: &Columns) {
        self.user.append(&other.user);
        self.movie.append(&other.movie);
        self.rating.extend_from_slice(&other.rating);
        self.timestamp.extend_from_slice(&other.timestamp);
    }
}

/// A line that is no row. Lines are counted from 1 in their piece.
#[derive(Debug, PartialEq)]
pub struct BadRow {
    pub line: u64,
    pub row: String,
    pub problem: String,
}

/// What ended the reading of a piece early.
#[derive(Debug, PartialEq)]
pub enum Fault {
    BadRow(BadRow),
    /// A line of more than [`MAX_LINE`] bytes.
    TooLong {
        line: u64,
    },
}

/// What a piece of a file holds.
#[derive(Debug, Default, PartialEq)]
pub struct Piece {
    pub columns: Columns,
    pub n_lines: u64,
    pub n_skipped: u64,
    pub first_skipped: Option<BadRow>,
    pub fault: Option<Fault>,
}

impl Piece {
    /// Reads the lines of a piece up to its end or the first fault.
    pub fn read(bytes: &[u8], layout: &Layout, on_bad_row: OnBadRow) -> Self {
        let mut piece = Piece { columns: Columns::with_capacity(bytes.len() / SHORT_ROW), ..Piece::default() };
        match layout.plain {
            Some(Separator::Comma) => piece.read_lines(bytes, layout, on_bad_row, plain_row::<b',', 1>),
            Some(Separator::Tab) => piece.read_lines(bytes, layout, on_bad_row, plain_row::<b'\t', 1>),
            Some(Separator::DoubleColon) => piece.read_lines(bytes, layout, on_bad_row, plain_row::<b':', 2>),
            None => piece.read_lines(bytes, layout, on_bad_row, |_| None),
        }
        piece
    }

    fn read_lines(
        &mut self,
        mut bytes: &[u8],
        layout: &Layout,
        on_bad_row: OnBadRow,
        plain_row: impl Fn(&[u8]) -> Option<(Row, usize)>,
    ) {
        let mut fields = Fields::default();
        while !bytes.is_empty() && self.fault.is_none() {
            self.n_lines += 1;
            let len = match plain_row(bytes) {
                Some((row, len)) => {
                    self.columns.push(row);
                    len
                }
                None => self.read_line(bytes, layout, on_bad_row, &mut fields),
            };
            bytes = &bytes[len..];
        }
    }

    /// The careful way; returns the length of the line with its end.
    #[cold]
    fn read_line(&mut self, bytes: &[u8], layout: &Layout, on_bad_row: OnBadRow, fields: &mut Fields) -> usize {
        let (line, len) = first_line(bytes);
        if len > MAX_LINE {
            self.fault = Some(Fault::TooLong { line: self.n_lines });
        } else if !line.is_empty() {
            match layout.row(line, fields) {
                Ok(row) => self.columns.push(row),
                Err(problem) => self.bad_row(BadRow { line: self.n_lines, row: shortened(line), problem }, on_bad_row),
            }
        }
        len
    }

    fn bad_row(&mut self, bad: BadRow, on_bad_row: OnBadRow) {
        match on_bad_row {
            OnBadRow::Error => self.fault = Some(Fault::BadRow(bad)),
            OnBadRow::Skip => {
                self.n_skipped += 1;
                self.first_skipped.get_or_insert(bad);
            }
        }
    }
}

/// A row as nearly all are, with its length: user, movie, rating, timestamp, without quotes, spaces or more decimals than one.
/// `None` leaves the line to [`Layout::row`], which reads the same from it where both can.
#[inline]
fn plain_row<const SEPARATOR: u8, const SEPARATOR_LEN: usize>(bytes: &[u8]) -> Option<(Row, usize)> {
    let mut at = 0;
    let user = digits(bytes, &mut at)?;
    separator::<SEPARATOR, SEPARATOR_LEN>(bytes, &mut at)?;
    let movie = digits(bytes, &mut at)?;
    separator::<SEPARATOR, SEPARATOR_LEN>(bytes, &mut at)?;
    let rating = stars(bytes, &mut at)?;
    separator::<SEPARATOR, SEPARATOR_LEN>(bytes, &mut at)?;
    let timestamp = digits(bytes, &mut at)?;
    if bytes.get(at) == Some(&b'\r') {
        at += 1;
    }
    match bytes.get(at) {
        Some(b'\n') => at += 1,
        Some(_) => return None,
        None => {}
    }
    Some((Row { user, movie, rating, timestamp }, at))
}

#[inline]
fn separator<const SEPARATOR: u8, const LEN: usize>(bytes: &[u8], at: &mut usize) -> Option<()> {
    let found = bytes.get(*at..*at + LEN)?.iter().all(|byte| *byte == SEPARATOR);
    *at += LEN;
    found.then_some(())
}

/// A number of 1 to 18 digits.
#[inline]
fn digits(bytes: &[u8], at: &mut usize) -> Option<i64> {
    let (begin, mut number) = (*at, 0i64);
    while let Some(byte) = bytes.get(*at) {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        number = number.wrapping_mul(10).wrapping_add(i64::from(digit));
        *at += 1;
    }
    (1..=18).contains(&(*at - begin)).then_some(number)
}

/// One digit, alone or with one decimal of 0 or 5; what stands behind it must be looked at by the caller.
#[inline]
fn stars(bytes: &[u8], at: &mut usize) -> Option<f32> {
    let whole = bytes.get(*at)?.wrapping_sub(b'0');
    if whole > 9 {
        return None;
    }
    *at += 1;
    let half = match bytes.get(*at..*at + 2) {
        Some(b".0") => 0.0,
        Some(b".5") => 0.5,
        Some(_) | None => return Some(f32::from(whole)),
    };
    *at += 2;
    Some(f32::from(whole) + half)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release::Format;
    use proptest::prelude::*;

    const FORMATS: [Format; 3] = [Format::Csv, Format::UData, Format::Dat];

    fn layout(format: Format) -> Layout {
        let header = Some(&b"userId,movieId,rating,timestamp"[..]).filter(|_| format == Format::Csv);
        Layout::of_file(header, format, "r").unwrap().0
    }

    proptest! {
        /// Lines that are rows, nearly rows, or rubbish.
        #[test]
        fn the_quick_way_reads_what_the_careful_way_reads(
            text in "(([0-9]{1,3}|[0-9]{17,20})([,\t:]|::)?){3}([0-9](\\.[0-9]{1,2})?)?[,\t:]{0,2}[0-9]{0,11}[ .\"x]?(\r?\n|\r)?",
        ) {
            for format in FORMATS {
                let quick = layout(format);
                let mut careful = layout(format);
                careful.plain = None;
                for on_bad_row in [OnBadRow::Error, OnBadRow::Skip] {
                    let read = |layout| Piece::read(text.as_bytes(), layout, on_bad_row);
                    prop_assert_eq!(read(&quick), read(&careful));
                }
            }
        }

        #[test]
        fn good_rows_are_read_the_quick_way(user in 0..10i64.pow(18), movie in 0..400_000i64, half in 0..20u8, time in 0..10i64.pow(10)) {
            let rating = f32::from(half) / 2.0;
            let row = format!("{user},{movie},{rating:?},{time}\r\n");
            let (read, len) = plain_row::<b',', 1>(row.as_bytes()).unwrap();
            prop_assert_eq!((read.user, read.movie, read.rating, read.timestamp), (user, movie, rating, time));
            prop_assert_eq!(len, row.len());
        }
    }
}
