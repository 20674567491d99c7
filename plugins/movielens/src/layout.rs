//! Where the values stand in a row of the four MovieLens file formats, and how each is read.

use crate::ratings::RatingsError;
use crate::release::Format;
use crate::rows::Row;

/// What stands between the fields of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Separator {
    Comma,
    Tab,
    DoubleColon,
}

/// Where the four values stand in a row.
pub struct Layout {
    format: Format,
    n_fields: usize,
    /// Positions of user, movie, rating, timestamp.
    columns: [usize; 4],
    pub expected: String,
    /// Set where rows are user, movie, rating, timestamp and nothing else.
    pub plain: Option<Separator>,
}

/// Bounds of a row's fields; reused from row to row.
pub struct Fields {
    bounds: Vec<(usize, usize)>,
    /// Reads rows with quotes; making one takes longer than reading a thousand rows.
    reader: csv_core::Reader,
    /// The fields of a row with quotes, one after the other; empty for others.
    unquoted: Vec<u8>,
    ends: Vec<usize>,
}

impl Layout {
    /// The layout of a format and whether the first line was a header; `None` stands for a file without lines.
    pub fn of_file(first_line: Option<&[u8]>, format: Format, location: &str) -> Result<(Self, bool), RatingsError> {
        let (names, expected) = match format {
            Format::UData => {
                return Ok((Self::fixed(format, "user, movie, rating, timestamp separated by tabs"), false))
            }
            Format::Dat => return Ok((Self::fixed(format, "user::movie::rating::timestamp"), false)),
            Format::Csv => (["userId", "movieId", "rating", "timestamp"], "userId,movieId,rating,timestamp"),
            Format::Atomic => (
                ["user_id", "item_id", "rating", "timestamp"],
                "user_id:token, item_id:token, rating:float, timestamp:float separated by tabs, in any order",
            ),
        };
        let header = first_line.ok_or_else(|| RatingsError::Empty { location: location.into(), skipped: 0 })?;
        let titles = header_names(header, format);
        let mut columns = [0; 4];
        for (column, name) in columns.iter_mut().zip(names) {
            *column = titles.iter().position(|title| title == name).ok_or_else(|| RatingsError::Header {
                location: location.into(),
                header: shortened(header),
                missing: name.to_string(),
                expected: expected.to_string(),
            })?;
        }
        let expected = format!("{} fields, as the header says: {}", titles.len(), titles.join(", "));
        Ok((Self::new(format, titles.len(), columns, expected), true))
    }

    fn fixed(format: Format, expected: &str) -> Self {
        Self::new(format, 4, [0, 1, 2, 3], format!("4 fields: {expected}"))
    }

    fn new(format: Format, n_fields: usize, columns: [usize; 4], expected: String) -> Self {
        let separator = match format {
            Format::UData | Format::Atomic => Separator::Tab,
            Format::Csv => Separator::Comma,
            Format::Dat => Separator::DoubleColon,
        };
        let plain = (n_fields == 4 && columns == [0, 1, 2, 3]).then_some(separator);
        Self { format, n_fields, columns, expected, plain }
    }

    /// The values of a row, or what is wrong with it.
    pub fn row(&self, line: &[u8], fields: &mut Fields) -> Result<Row, String> {
        let n_fields = fields.split(line, self.format);
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
}

impl Default for Fields {
    fn default() -> Self {
        // Not the reader's default, which knows no separator.
        Self { bounds: Vec::new(), reader: csv_core::Reader::new(), unquoted: Vec::new(), ends: Vec::new() }
    }
}

impl Fields {
    /// Splits a line and returns the number of its fields.
    fn split(&mut self, line: &[u8], format: Format) -> usize {
        self.bounds.clear();
        self.unquoted.clear();
        match format {
            Format::UData | Format::Atomic => self.split_at(line, b'\t'),
            Format::Csv if line.contains(&b'"') => self.split_quoted(line),
            Format::Csv => self.split_at(line, b','),
            Format::Dat => self.split_at_double_colon(line),
        }
        self.bounds.len()
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

    /// The slow way, for rows with quotes.
    fn split_quoted(&mut self, line: &[u8]) {
        self.reader.reset();
        self.unquoted.resize(line.len(), 0);
        self.ends.resize(line.len() + 1, 0);
        let (_, _, n_bytes, n_ends) = self.reader.read_record(line, &mut self.unquoted, &mut self.ends);
        // No more input: what ends the last field. There is room, since a field takes at least its separator.
        let (_, _, _, n_last) = self.reader.read_record(&[], &mut self.unquoted[n_bytes..], &mut self.ends[n_ends..]);
        let mut start = 0;
        for end in &self.ends[..n_ends + n_last] {
            self.bounds.push((start, *end));
            start = *end;
        }
    }

    /// Field `index` of the line that was split last, which must have that many.
    fn get<'a>(&'a self, line: &'a [u8], index: usize) -> &'a [u8] {
        let text = if self.unquoted.is_empty() { line } else { &self.unquoted };
        let (start, end) = self.bounds[index];
        text[start..end].trim_ascii()
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
pub fn shortened(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(400)]);
    if text.chars().count() <= 80 {
        return text.into_owned();
    }
    text.chars().take(79).chain(['…']).collect()
}
