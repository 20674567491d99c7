//! Movie titles from the four MovieLens file formats. Leaves out genres, links and every other column.

use std::collections::HashMap;
use std::io::{self, Read};

use crate::layout::{header_names, parse_id};
use crate::release::Format;

/// Largest titles file read, in bytes; the largest release has 4 MB.
const MAX_TITLES: u64 = 256 << 20;

/// Titles by raw movie id, with the rows that could not be read.
#[derive(Debug, Default, PartialEq)]
pub struct Titles {
    pub by_raw_id: HashMap<i64, String>,
    /// Rows without a readable id or title; a missing title harms no training, so they are only counted.
    pub skipped: u64,
}

/// Reads a titles file. Text is UTF-8 if the whole file is, else Latin-1, as older releases are.
///
/// # Errors
/// The reader's; `InvalidData` for a file over 256 MiB.
pub fn parse_titles<R: Read>(reader: R, format: Format) -> io::Result<Titles> {
    let mut bytes = Vec::new();
    reader.take(MAX_TITLES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_TITLES {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the titles file is larger than 256 MiB"));
    }
    let text = decoded(bytes);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let mut titles = Titles::default();
    match format {
        Format::UData => titles.add_lines(text, |line| line.split_once('|').map(|(id, rest)| (id, first(rest, "|")))),
        Format::Dat => titles.add_lines(text, dat_row),
        Format::Csv => titles.add_csv(text),
        Format::Atomic => titles.add_atomic(text),
    }
    Ok(titles)
}

fn decoded(bytes: Vec<u8>) -> String {
    match String::from_utf8(bytes) {
        Ok(text) => text,
        // Every Latin-1 byte is the code point of the same number.
        Err(error) => error.as_bytes().iter().map(|byte| char::from(*byte)).collect(),
    }
}

/// `text` up to the first separator.
fn first<'a>(text: &'a str, separator: &str) -> &'a str {
    text.split(separator).next().unwrap_or(text)
}

/// `id::title::genres`; a title may itself contain `::`.
fn dat_row(line: &str) -> Option<(&str, &str)> {
    let (id, rest) = line.split_once("::")?;
    Some((id, rest.rsplit_once("::").map_or(rest, |(title, _genres)| title)))
}

impl Titles {
    fn add(&mut self, id: &str, title: &str) {
        match parse_id(id.trim().as_bytes(), "movie id") {
            Ok(id) if !title.trim().is_empty() => {
                self.by_raw_id.insert(id, title.trim().to_string());
            }
            Ok(_) | Err(_) => self.skipped += 1,
        }
    }

    fn add_lines(&mut self, text: &str, row: impl Fn(&str) -> Option<(&str, &str)>) {
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            match row(line) {
                Some((id, title)) => self.add(id, title),
                None => self.skipped += 1,
            }
        }
    }

    fn add_csv(&mut self, text: &str) {
        let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
        let mut rows = reader.byte_records();
        let header = rows.next().and_then(Result::ok).unwrap_or_default();
        let column = |name: &str| header.iter().position(|field| field == name.as_bytes());
        let (Some(id), Some(title)) = (column("movieId"), column("title")) else {
            self.skipped += 1;
            return;
        };
        for row in rows {
            // The text was UTF-8, and so are its fields.
            let field =
                |row: &csv::ByteRecord, index| String::from_utf8_lossy(row.get(index).unwrap_or_default()).into_owned();
            match row {
                Ok(row) => self.add(&field(&row, id), &field(&row, title)),
                Err(_) => self.skipped += 1,
            }
        }
    }

    /// Title and year stand in columns of their own; the year goes where GroupLens writes it.
    fn add_atomic(&mut self, text: &str) {
        let mut lines = text.lines().filter(|line| !line.is_empty());
        let names = header_names(lines.next().unwrap_or_default().as_bytes(), Format::Atomic);
        let column = |name: &str| names.iter().position(|other| other == name);
        let (Some(id), Some(title)) = (column("item_id"), column("movie_title")) else {
            self.skipped += 1;
            return;
        };
        let year = column("release_year");
        for line in lines {
            let fields: Vec<&str> = line.split('\t').collect();
            let field = |index: usize| fields.get(index).copied().unwrap_or_default();
            // RecBole writes `unkonwn` where it has no year.
            let is_year = |text: &&str| text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit());
            match year.map(field).filter(is_year) {
                Some(year) if !field(title).is_empty() => self.add(field(id), &format!("{} ({year})", field(title))),
                Some(_) | None => self.add(field(id), field(title)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn titles(bytes: &[u8], format: Format) -> Vec<(i64, String)> {
        let mut rows: Vec<_> = parse_titles(bytes, format).unwrap().by_raw_id.into_iter().collect();
        rows.sort();
        rows
    }

    fn expected(second: &str) -> Vec<(i64, String)> {
        vec![(1, "Toy Story (1995)".to_string()), (543, second.to_string())]
    }

    #[test]
    fn u_item_is_latin_1() {
        let bytes = b"1|Toy Story (1995)|01-Jan-1995||http://x|0|1\n543|Mis\xe9rables, Les (1995)|01-Jan-1995||y|0\n";
        assert_eq!(titles(bytes, Format::UData), expected("Misérables, Les (1995)"));
    }

    #[test]
    fn movies_dat_is_latin_1_or_utf_8() {
        let bytes = b"1::Toy Story (1995)::Animation\r\n543::Mis\xe9rables :: Les (1995)::Drama|Musical\r\n";
        assert_eq!(titles(bytes, Format::Dat), expected("Misérables :: Les (1995)"));
        let text = "1::Toy Story (1995)::Animation\n543::Misérables, Les (1995)::Drama";
        assert_eq!(titles(text.as_bytes(), Format::Dat), expected("Misérables, Les (1995)"));
    }

    #[test]
    fn movies_csv_is_quoted() {
        let text =
            "\u{feff}movieId,title,genres\r\n1,Toy Story (1995),A|B\r\n543,\"Say \"\"Les\"\", again (1995)\",C\r\n";
        assert_eq!(titles(text.as_bytes(), Format::Csv), expected("Say \"Les\", again (1995)"));
    }

    #[test]
    fn atomic_titles_get_their_year() {
        let text = "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\n\
                    1\tToy Story\t1995\tAnimation\n543\tunkonwn\tunkonwn\tunknown\n";
        assert_eq!(titles(text.as_bytes(), Format::Atomic), expected("unkonwn"));
    }

    #[test]
    fn bad_rows_are_counted() {
        assert_eq!(parse_titles(&b"x|Title|\nno bar\n2|\n3|ok\n\n"[..], Format::UData).unwrap().skipped, 3);
        assert_eq!(parse_titles(&b"a,b\n1,2\n"[..], Format::Csv).unwrap().skipped, 1);
        assert_eq!(parse_titles(&b""[..], Format::Atomic).unwrap().by_raw_id.len(), 0);
    }
}
