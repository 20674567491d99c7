//! Ratings from a stream into columns: blocks of whole lines ([`blocks`](crate::blocks)) are read one after the other, the pieces of
//! a block ([`rows`](crate::rows)) at once on several threads, while the next block is read and the last one's rows are put together.
//!
//! Plain files go the same way as members of a zip, not through a memory map: a block is read in a tenth of the time of parsing it, its
//! memory is used again and again, and nobody can shorten it while it is looked at.
//! Leaves out dense ids, duplicates and order (`interactions`), and which file to read (`fetch`).

use std::io::{self, Read};

use kernels::parallel::n_threads;
use kernels::parts::map_parts;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::blocks::{first_line, pieces, Blocks, MAX_LINE};
use crate::download::checksum::hex;
use crate::events::Events;
use crate::layout::Layout;
use crate::release::Format;
use crate::rows::{BadRow, Columns, Fault, Piece};

/// Bytes of a block for each thread.
const BLOCK: usize = 4 << 20;
/// Bytes that one task reads rows from.
const PIECE: usize = 1 << 18;

/// What to do with a row that cannot be read (`params.on_bad_row`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnBadRow {
    /// Stop with an error that names file and line.
    #[default]
    Error,
    /// Leave the row out and count it.
    Skip,
}

/// What a pass over a ratings file gives.
#[derive(Debug, Default, PartialEq)]
pub struct Parsed {
    pub columns: Columns,
    /// Rows left out under [`OnBadRow::Skip`].
    pub skipped: u64,
    /// What was wrong with the first of them.
    pub first_skipped: Option<String>,
    /// SHA-256 of the bytes, lower-case hex.
    pub sha256: String,
}

/// Why a ratings file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RatingsError {
    #[error("{location}:{line}: {problem}\n  row: {row:?}\n  expected: {expected}\n  cure: correct the row, or set `on_bad_row: skip` to leave such rows out and count them")]
    BadRow { location: String, line: u64, row: String, problem: String, expected: String },
    #[error("{location}:1: the header {header:?} does not name {missing}\n  expected: {expected}")]
    Header { location: String, header: String, missing: String, expected: String },
    #[error("{location} holds no ratings{}; a graph needs at least one",
        if *.skipped > 0 { format!(" (bad rows skipped: {skipped})") } else { String::new() })]
    Empty { location: String, skipped: u64 },
    #[error("{location}:{line}: cannot read on: {cause}")]
    Read { location: String, line: u64, cause: io::Error },
}

/// What is to be read, and how.
pub struct Reading<'a> {
    pub format: Format,
    /// Names the file in errors.
    pub location: &'a str,
    /// Size of the file in bytes, for progress.
    pub n_bytes: u64,
    pub on_bad_row: OnBadRow,
    pub events: &'a dyn Events,
}

impl Reading<'_> {
    /// Reads every rating of `reader`. The result, errors included, does not depend on the number of threads.
    ///
    /// # Errors
    /// A bad row under [`OnBadRow::Error`], a header that lacks a column, no rating at all, a failing reader, the user's stop
    /// (`events.cancelled()` tells it from a failing reader).
    pub fn parse<R: Read + Send>(&self, reader: R) -> Result<Parsed, RatingsError> {
        self.parse_by(reader, BLOCK * n_threads(), PIECE)
    }

    fn parse_by<R: Read + Send>(&self, reader: R, block: usize, piece_len: usize) -> Result<Parsed, RatingsError> {
        let mut blocks = Blocks::new(reader, block);
        let (mut block, mut next) = (Vec::new(), Vec::new());
        let mut more = blocks.fill(&mut block).map_err(|cause| self.cannot_read(1, cause))?;
        let (layout, mut begin) = self.layout(&block)?;
        let on_bad_row = self.on_bad_row;
        let mut progress = Progress { n_lines: u64::from(begin.is_header), ..Progress::default() };
        while more {
            if self.events.cancelled() {
                return Err(self.cannot_read(progress.n_lines + 1, io::Error::other("interrupted")));
            }
            let waiting = std::mem::take(&mut progress.waiting);
            let mut tasks = vec![
                Task::Fill(&mut blocks, &mut next),
                Task::Hash(&mut progress.digest, &block),
                Task::Append(&mut progress.parsed.columns, waiting),
            ];
            tasks.extend(pieces(&block[begin.at..], piece_len).into_iter().map(Task::Read));
            let done = map_parts(tasks, |task| task.run(&layout, on_bad_row));
            progress.n_bytes += block.len() as u64;
            self.events.progress(progress.n_bytes, Some(self.n_bytes), &format!("reading {}", self.location));
            let filled = self.advance(&mut progress, &layout, done)?;
            more = filled.map_err(|cause| self.cannot_read(progress.n_lines + 1, cause))?;
            std::mem::swap(&mut block, &mut next);
            begin = Begin::default();
        }
        self.finish(progress)
    }

    /// The layout of the file and where its rows begin.
    fn layout(&self, block: &[u8]) -> Result<(Layout, Begin), RatingsError> {
        let mark = if block.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
        let (line, len) = first_line(&block[mark..]);
        if len > MAX_LINE {
            return Err(self.cannot_read(1, too_long()));
        }
        let (layout, is_header) = Layout::of_file(Some(line).filter(|_| len > 0), self.format, self.location)?;
        Ok((layout, Begin { at: mark + if is_header { len } else { 0 }, is_header }))
    }

    /// Takes what the pieces of a block gave, in their order, up to the first fault; and gives back how reading the next block went.
    fn advance(
        &self,
        progress: &mut Progress,
        layout: &Layout,
        done: Vec<Done>,
    ) -> Result<io::Result<bool>, RatingsError> {
        let mut filled = Ok(false);
        for done in done {
            let piece = match done {
                Done::Piece(piece) => piece,
                Done::Filled(outcome) => {
                    filled = outcome;
                    continue;
                }
                Done::Nothing => continue,
            };
            match piece.fault {
                Some(Fault::BadRow(bad)) => return Err(self.bad_row(progress.n_lines, bad, layout)),
                Some(Fault::TooLong { line }) => return Err(self.cannot_read(progress.n_lines + line, too_long())),
                None => {}
            }
            progress.parsed.skipped += piece.n_skipped;
            if let (None, Some(bad)) = (&progress.parsed.first_skipped, piece.first_skipped) {
                let line = progress.n_lines + bad.line;
                progress.parsed.first_skipped = Some(format!("{}:{line}: {}", self.location, bad.problem));
            }
            progress.n_lines += piece.n_lines;
            progress.waiting.push(piece.columns);
        }
        Ok(filled)
    }

    fn finish(&self, progress: Progress) -> Result<Parsed, RatingsError> {
        let Progress { mut parsed, waiting, digest, .. } = progress;
        waiting.iter().for_each(|columns| parsed.columns.append(columns));
        if parsed.columns.len() == 0 {
            return Err(RatingsError::Empty { location: self.location.into(), skipped: parsed.skipped });
        }
        parsed.sha256 = hex(&digest.finalize());
        Ok(parsed)
    }

    fn bad_row(&self, n_lines_before: u64, bad: BadRow, layout: &Layout) -> RatingsError {
        RatingsError::BadRow {
            location: self.location.into(),
            line: n_lines_before + bad.line,
            row: bad.row,
            problem: bad.problem,
            expected: layout.expected.clone(),
        }
    }

    fn cannot_read(&self, line: u64, cause: io::Error) -> RatingsError {
        RatingsError::Read { location: self.location.into(), line, cause }
    }
}

fn too_long() -> io::Error {
    let text = format!("a line of more than {MAX_LINE} bytes: this is no ratings file");
    io::Error::new(io::ErrorKind::InvalidData, text)
}

/// Where the rows of a block begin.
#[derive(Default)]
struct Begin {
    at: usize,
    is_header: bool,
}

/// How far the reading has come.
#[derive(Default)]
struct Progress {
    parsed: Parsed,
    /// Rows read but not yet in `parsed`.
    waiting: Vec<Columns>,
    n_lines: u64,
    n_bytes: u64,
    digest: Sha256,
}

/// What is done at the same time; those that cannot be shared by threads come first.
enum Task<'a, R> {
    Fill(&'a mut Blocks<R>, &'a mut Vec<u8>),
    Hash(&'a mut Sha256, &'a [u8]),
    Append(&'a mut Columns, Vec<Columns>),
    Read(&'a [u8]),
}

enum Done {
    Filled(io::Result<bool>),
    Nothing,
    Piece(Box<Piece>),
}

impl<R: Read> Task<'_, R> {
    fn run(self, layout: &Layout, on_bad_row: OnBadRow) -> Done {
        match self {
            Task::Fill(blocks, next) => return Done::Filled(blocks.fill(next)),
            Task::Hash(digest, block) => digest.update(block),
            Task::Append(columns, more) => more.iter().for_each(|more| columns.append(more)),
            Task::Read(bytes) => return Done::Piece(Box::new(Piece::read(bytes, layout, on_bad_row))),
        }
        Done::Nothing
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::Recorded;
    use crate::raw_ids::RawIds;
    use proptest::prelude::*;

    fn parse_ratings(
        text: &[u8],
        format: Format,
        location: &str,
        on_bad_row: OnBadRow,
    ) -> Result<Parsed, RatingsError> {
        let events = Recorded::default();
        Reading { format, location, n_bytes: text.len() as u64, on_bad_row, events: &events }.parse(text)
    }

    fn parse(text: &str, format: Format) -> Result<Parsed, RatingsError> {
        parse_ratings(text.as_bytes(), format, "ratings", OnBadRow::Error)
    }

    fn two_rows() -> Columns {
        let (user, movie) = (RawIds::Narrow(vec![196, 7]), RawIds::Narrow(vec![242, 11]));
        Columns { user, movie, rating: vec![3.0, 4.5], timestamp: vec![881250949, 5] }
    }

    #[test]
    fn all_formats_give_the_same_columns() {
        for (format, text) in [
            (Format::UData, "196\t242\t3\t881250949\n7\t11\t4.5\t5"),
            (Format::Dat, "196::242::3::881250949\r\n7::11::4.5::5\r\n"),
            (Format::Csv, "userId,movieId,rating,timestamp\n196,242,3.0,881250949\n\"7\",11,\"4.5\",5\n"),
            (Format::Csv, "\u{feff}rating,timestamp,tag,userId,movieId\n3,881250949,\"a,b\",196,242\n4.5,5,,7,11"),
            (
                Format::Atomic,
                "item_id:token\tuser_id:token\trating:float\tx:token_seq\ttimestamp:float\n242\t196\t3\ta b\t881250949.0\n\n11\t7\t4.50\t\t5.25\n",
            ),
        ] {
            assert_eq!(parse(text, format).unwrap().columns, two_rows(), "{text}");
        }
    }

    #[test]
    fn a_bad_row_names_file_line_row_and_cure() {
        let message = parse("1\t2\t3\t4\n1\t2\tfive\t4\n", Format::UData).unwrap_err().to_string();
        assert!(message.starts_with("ratings:2: the rating \"five\" is no number\n"), "{message}");
        assert!(message.contains(r#"row: "1\t2\tfive\t4""#), "{message}");
        assert!(message.contains("expected: 4 fields: user, movie, rating, timestamp"), "{message}");
        assert!(message.contains("on_bad_row: skip"), "{message}");
    }

    #[test]
    fn every_kind_of_bad_row_is_found_and_skipped() {
        let bad = [
            "1,2,3",
            "1,2,3,4,5",
            "-1,2,3,4",
            "1,-2,3,4",
            "1,2,nan,4",
            "1,2,inf,4",
            "1,2,3,",
            "1,2,3,1e99",
            "x,2,3,4",
            "1,,3,4",
            "9999999999999999999,2,3,4",
            "1.5,2,3,4",
            "\"1,2,3,4",
        ];
        for row in bad {
            let text = format!("userId,movieId,rating,timestamp\n1,2,3,4\n{row}\n2,2,3,4\n");
            let error = parse(&text, Format::Csv).unwrap_err();
            assert!(matches!(error, RatingsError::BadRow { line: 3, .. }), "{row}: {error}");
            let parsed = parse_ratings(text.as_bytes(), Format::Csv, "r.csv", OnBadRow::Skip).unwrap();
            assert_eq!((parsed.columns.user, parsed.skipped), (RawIds::Narrow(vec![1, 2]), 1), "{row}");
            assert!(parsed.first_skipped.unwrap().starts_with("r.csv:3: "), "{row}");
        }
    }

    #[test]
    fn long_rows_and_bytes_are_shortened() {
        let mut text = b"1\t2\t3\t\xff".to_vec();
        text.extend([b'9'; 300]);
        let error = parse_ratings(text.as_slice(), Format::UData, "u.data", OnBadRow::Error).unwrap_err();
        assert!(error.to_string().len() < 600);
    }

    #[test]
    fn headers_and_emptiness_are_checked() {
        let error = parse("user,movie\n1,2\n", Format::Csv).unwrap_err().to_string();
        assert!(error.contains("does not name userId"), "{error}");
        let empties = [("", Format::Csv), ("userId,movieId,rating,timestamp\n", Format::Csv), ("", Format::UData)];
        for (text, format) in empties {
            assert!(matches!(parse(text, format), Err(RatingsError::Empty { skipped: 0, .. })));
        }
        let skipped = parse_ratings(&b"x\ny\n"[..], Format::Dat, "r", OnBadRow::Skip);
        assert!(matches!(skipped, Err(RatingsError::Empty { skipped: 2, .. })));
    }

    proptest! {
        /// Errors included: the first bad row of the file is the one that is named, in whichever piece it stands.
        #[test]
        fn the_pieces_do_not_show(
            rows in prop::collection::vec(prop_oneof![
                20 => (1..300u32, 1..90_000u32).prop_map(|(user, movie)| format!("{user},{movie},4.5,1234567890")),
                2 => Just(String::new()),
                1 => Just("\"7\",8,\"1\",5".to_owned()),
                1 => "[0-9]{1,3},[a-z]{1,4},5",
            ], 0..60),
            line_end in prop_oneof![Just("\n"), Just("\r\n")],
            block in 1..400usize,
            piece_len in 1..200usize,
        ) {
            let text = format!("userId,movieId,rating,timestamp{line_end}{}", rows.join(line_end));
            for on_bad_row in [OnBadRow::Error, OnBadRow::Skip] {
                let events = Recorded::default();
                let reading =
                    Reading { format: Format::Csv, location: "r.csv", n_bytes: text.len() as u64, on_bad_row, events: &events };
                let whole = reading.parse_by(text.as_bytes(), 1 << 20, 1 << 20).map_err(|error| error.to_string());
                let cut = reading.parse_by(text.as_bytes(), block, piece_len).map_err(|error| error.to_string());
                prop_assert_eq!(cut, whole);
            }
        }
    }

    #[test]
    fn a_failing_or_endless_reader_is_an_error_at_its_line() {
        let events = Recorded::default();
        let reading =
            Reading { format: Format::UData, location: "r", n_bytes: 9, on_bad_row: OnBadRow::Skip, events: &events };
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("broken"))
            }
        }
        let message = |outcome: Result<Parsed, RatingsError>| outcome.unwrap_err().to_string();
        let text = &b"1\t2\t3\t4\nbad\n1\t3\t3"[..];
        assert_eq!(message(reading.parse(text.chain(Broken))), "r:3: cannot read on: broken");
        assert!(message(reading.parse(text.chain(io::repeat(b'7')))).starts_with("r:3: cannot read on: a line of more"));
        let csv = Reading { format: Format::Csv, ..reading };
        assert!(message(csv.parse(io::repeat(b'u'))).starts_with("r:1: cannot read on: a line of more"));
    }

    #[test]
    fn the_users_stop_ends_the_reading() {
        let events = Recorded { cancel_after: Some(100), ..Recorded::default() };
        let text = "1\t2\t3\t4\n".repeat(100);
        let reading = Reading {
            format: Format::UData,
            location: "r",
            n_bytes: 800,
            on_bad_row: OnBadRow::Error,
            events: &events,
        };
        assert!(matches!(reading.parse_by(text.as_bytes(), 80, 80), Err(RatingsError::Read { line: 21..30, .. })));
    }
}
