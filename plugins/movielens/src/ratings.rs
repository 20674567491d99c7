//! Ratings from the four MovieLens file formats into columns, in one pass over a stream.
//!
//! Leaves out dense ids, duplicates and order (`interactions`), and which file to read (`fetch`).

use std::io::{self, Read};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::lines::Lines;
use crate::release::Format;

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

/// The rows as columns of equal length, in file order.
#[derive(Debug, Default, PartialEq)]
pub struct Columns {
    /// Raw user ids, at least 0.
    pub user: Vec<i64>,
    /// Raw movie ids, at least 0.
    pub movie: Vec<i64>,
    /// Stars, finite.
    pub rating: Vec<f32>,
    /// Seconds since 1970-01-01 UTC.
    pub timestamp: Vec<i64>,
}

/// What a pass over a ratings file gives.
#[derive(Debug, Default, PartialEq)]
pub struct Parsed {
    pub columns: Columns,
    /// Rows left out under [`OnBadRow::Skip`].
    pub skipped: u64,
    /// What was wrong with the first of them.
    pub first_skipped: Option<String>,
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

/// Reads every rating of `reader`; `location` names the file in errors.
///
/// # Errors
/// A bad row under [`OnBadRow::Error`], a header that lacks a column, no rating at all, a failing reader.
pub fn parse_ratings<R: Read>(
    reader: R,
    format: Format,
    location: &str,
    on_bad_row: OnBadRow,
) -> Result<Parsed, RatingsError> {
    let mut lines = Lines::new(reader);
    let layout = Layout::read(&mut lines, format, location)?;
    let mut parsed = Parsed::default();
    let mut fields = Fields::default();
    loop {
        let line_number = lines.number() + 1;
        let line = match lines.next_line() {
            Ok(Some(line)) => line,
            Ok(None) => break,
            Err(cause) => return Err(RatingsError::Read { location: location.into(), line: line_number, cause }),
        };
        if line.is_empty() {
            continue;
        }
        match layout.row(line, &mut fields) {
            Ok(row) => parsed.columns.push(row),
            Err(problem) => {
                let error = layout.bad_row(location, line_number, line, problem);
                match on_bad_row {
                    OnBadRow::Error => return Err(error),
                    OnBadRow::Skip => parsed.skip(location, line_number, &error),
                }
            }
        }
    }
    if parsed.columns.user.is_empty() {
        return Err(RatingsError::Empty { location: location.into(), skipped: parsed.skipped });
    }
    Ok(parsed)
}

struct Row {
    user: i64,
    movie: i64,
    rating: f32,
    timestamp: i64,
}

impl Columns {
    fn push(&mut self, row: Row) {
        self.user.push(row.user);
        self.movie.push(row.movie);
        self.rating.push(row.rating);
        self.timestamp.push(row.timestamp);
    }
}

impl Parsed {
    fn skip(&mut self, location: &str, line: u64, error: &RatingsError) {
        self.skipped += 1;
        if let (None, RatingsError::BadRow { problem, .. }) = (&self.first_skipped, error) {
            self.first_skipped = Some(format!("{location}:{line}: {problem}"));
        }
    }
}

/// Where the four values stand in a row.
struct Layout {
    format: Format,
    n_fields: usize,
    /// Positions of user, movie, rating, timestamp.
    columns: [usize; 4],
    expected: String,
}

/// Bounds of a row's fields; reused from row to row.
#[derive(Default)]
struct Fields {
    bounds: Vec<(usize, usize)>,
    quoted: csv::ByteRecord,
}

impl Layout {
    /// The layout of a format, from the first line where the format has a header.
    fn read<R: Read>(lines: &mut Lines<R>, format: Format, location: &str) -> Result<Self, RatingsError> {
        let (names, expected) = match format {
            Format::UData => return Ok(Self::fixed(format, "user, movie, rating, timestamp separated by tabs")),
            Format::Dat => return Ok(Self::fixed(format, "user::movie::rating::timestamp")),
            Format::Csv => (["userId", "movieId", "rating", "timestamp"], "userId,movieId,rating,timestamp"),
            Format::Atomic => (
                ["user_id", "item_id", "rating", "timestamp"],
                "user_id:token, item_id:token, rating:float, timestamp:float separated by tabs, in any order",
            ),
        };
        let header = match lines.next_line() {
            Ok(Some(line)) => line.to_vec(),
            Ok(None) => return Err(RatingsError::Empty { location: location.into(), skipped: 0 }),
            Err(cause) => return Err(RatingsError::Read { location: location.into(), line: 1, cause }),
        };
        let titles = header_names(&header, format);
        let mut columns = [0; 4];
        for (column, name) in columns.iter_mut().zip(names) {
            *column = titles.iter().position(|title| title == name).ok_or_else(|| RatingsError::Header {
                location: location.into(),
                header: shortened(&header),
                missing: name.to_string(),
                expected: expected.to_string(),
            })?;
        }
        let expected = format!("{} fields, as the header says: {}", titles.len(), titles.join(", "));
        Ok(Self { format, n_fields: titles.len(), columns, expected })
    }

    fn fixed(format: Format, expected: &str) -> Self {
        Self { format, n_fields: 4, columns: [0, 1, 2, 3], expected: format!("4 fields: {expected}") }
    }

    /// The values of a row, or what is wrong with it.
    fn row(&self, line: &[u8], fields: &mut Fields) -> Result<Row, String> {
        let n_fields = fields.split(line, self.format)?;
        if n_fields != self.n_fields {
            return Err(format!("{n_fields} fields instead of {}", self.n_fields));
        }
        let [user, movie, rating, timestamp] = self.columns.map(|column| fields.get(line, column));
        Ok(Row {
            user: parse_id(user, "user id")?,
            movie: parse_id(movie, "movie id")?,
            rating: parse_rating(rating)?,
            timestamp: parse_timestamp(timestamp)?,
        })
    }

    fn bad_row(&self, location: &str, line: u64, row: &[u8], problem: String) -> RatingsError {
        let (location, expected) = (location.to_string(), self.expected.clone());
        RatingsError::BadRow { location, line, row: shortened(row), problem, expected }
    }
}

impl Fields {
    /// Splits a line and returns the number of its fields.
    fn split(&mut self, line: &[u8], format: Format) -> Result<usize, String> {
        self.bounds.clear();
        self.quoted.clear();
        match format {
            Format::UData | Format::Atomic => self.split_at(line, b'\t'),
            Format::Csv if line.contains(&b'"') => return self.split_quoted(line),
            Format::Csv => self.split_at(line, b','),
            Format::Dat => self.split_at_double_colon(line),
        }
        Ok(self.bounds.len())
    }

    fn split_at(&mut self, line: &[u8], separator: u8) {
        let mut start = 0;
        for (at, byte) in line.iter().enumerate() {
            if *byte == separator {
                self.bounds.push((start, at));
                start = at + 1;
            }
        }
        self.bounds.push((start, line.len()));
    }

    fn split_at_double_colon(&mut self, line: &[u8]) {
        let (mut start, mut at) = (0, 0);
        while at + 1 < line.len() {
            if line[at] == b':' && line[at + 1] == b':' {
                self.bounds.push((start, at));
                at += 1;
                start = at + 1;
            }
            at += 1;
        }
        self.bounds.push((start, line.len()));
    }

    /// The slow way, for the rare row with quotes.
    fn split_quoted(&mut self, line: &[u8]) -> Result<usize, String> {
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(line);
        reader.read_byte_record(&mut self.quoted).map_err(|cause| cause.to_string())?;
        Ok(self.quoted.len())
    }

    /// Field `index` of the line that was split last, which must have that many.
    fn get<'a>(&'a self, line: &'a [u8], index: usize) -> &'a [u8] {
        match self.bounds.get(index) {
            Some((start, end)) => line[*start..*end].trim_ascii(),
            None => self.quoted.get(index).unwrap_or_default().trim_ascii(),
        }
    }
}

/// Column names of a header line; atomic files write `name:type`.
pub fn header_names(header: &[u8], format: Format) -> Vec<String> {
    let separator = match format {
        Format::UData | Format::Atomic => '\t',
        Format::Csv | Format::Dat => ',',
    };
    let text = String::from_utf8_lossy(header);
    let bare = |field: &str| field.trim().trim_matches('"').split(':').next().unwrap_or_default().to_string();
    text.split(separator).map(bare).collect()
}

/// A raw id: digits only, below 10^18.
pub fn parse_id(field: &[u8], what: &str) -> Result<i64, String> {
    let digits_only = !field.is_empty() && field.len() <= 18 && field.iter().all(u8::is_ascii_digit);
    if !digits_only {
        return Err(format!("the {what} {:?} is no whole number of at least 0", shortened(field)));
    }
    Ok(field.iter().fold(0, |number, digit| number * 10 + i64::from(digit - b'0')))
}

fn parse_rating(field: &[u8]) -> Result<f32, String> {
    let digit = |byte: u8| f32::from(byte - b'0');
    match field {
        [whole] if whole.is_ascii_digit() => return Ok(digit(*whole)),
        [whole, b'.', b'0'] if whole.is_ascii_digit() => return Ok(digit(*whole)),
        [whole, b'.', b'5'] if whole.is_ascii_digit() => return Ok(digit(*whole) + 0.5),
        _ => {}
    }
    let value = std::str::from_utf8(field).ok().and_then(|text| text.parse::<f32>().ok());
    value.filter(|value| value.is_finite()).ok_or_else(|| format!("the rating {:?} is no number", shortened(field)))
}

/// Whole seconds; atomic files may write them as a float, whose fraction is dropped.
fn parse_timestamp(field: &[u8]) -> Result<i64, String> {
    if let Ok(seconds) = parse_id(field, "timestamp") {
        return Ok(seconds);
    }
    let value = std::str::from_utf8(field).ok().and_then(|text| text.parse::<f64>().ok());
    match value {
        // Beyond 2^53 a float no longer tells seconds apart.
        Some(seconds) if seconds.abs() < 9_007_199_254_740_992.0 => Ok(seconds as i64),
        Some(_) | None => Err(format!("the timestamp {:?} is no number of seconds", shortened(field))),
    }
}

/// Bytes for a message: at most 80 characters, what is no UTF-8 replaced.
fn shortened(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(400)]);
    if text.chars().count() <= 80 {
        return text.into_owned();
    }
    text.chars().take(79).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str, format: Format) -> Result<Parsed, RatingsError> {
        parse_ratings(text.as_bytes(), format, "ratings", OnBadRow::Error)
    }

    fn two_rows() -> Columns {
        Columns { user: vec![196, 7], movie: vec![242, 11], rating: vec![3.0, 4.5], timestamp: vec![881250949, 5] }
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
            assert_eq!((parsed.columns.user.as_slice(), parsed.skipped), ([1, 2].as_slice(), 1), "{row}");
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
}
