//! Lines of a byte stream with exact numbers: LF or CRLF, a UTF-8 mark at the start, no newline needed at the end.
//! Leaves out what a line means.

use std::io::{self, BufRead, BufReader, Read};

/// Longest line accepted, in bytes; protects from files without line ends.
const MAX_LINE: u64 = 64 * 1024;

/// A reader that hands out one line at a time from one buffer.
pub struct Lines<R> {
    reader: BufReader<R>,
    line: Vec<u8>,
    number: u64,
}

impl<R: Read> Lines<R> {
    pub fn new(reader: R) -> Self {
        Self { reader: BufReader::with_capacity(1 << 18, reader), line: Vec::with_capacity(256), number: 0 }
    }

    /// The number (from 1) of the line that `next_line` gave last.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The next line without its end, or `None` at the end of the file.
    ///
    /// # Errors
    /// The reader's, and `InvalidData` for a line over 64 KiB.
    pub fn next_line(&mut self) -> io::Result<Option<&[u8]>> {
        self.line.clear();
        self.number += 1;
        let n_read = self.reader.by_ref().take(MAX_LINE + 1).read_until(b'\n', &mut self.line)?;
        if n_read as u64 > MAX_LINE {
            let text = format!("a line of more than {MAX_LINE} bytes: this is no ratings file");
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        if n_read == 0 {
            return Ok(None);
        }
        let mut line = self.line.as_slice();
        line = line.strip_suffix(b"\n").unwrap_or(line);
        line = line.strip_suffix(b"\r").unwrap_or(line);
        if self.number == 1 {
            line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line);
        }
        Ok(Some(line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_marks_and_numbers() {
        let mut lines = Lines::new(&b"\xEF\xBB\xBFa\r\n\nb\r"[..]);
        let mut seen = Vec::new();
        while let Some(line) = lines.next_line().unwrap().map(<[u8]>::to_vec) {
            seen.push((lines.number(), String::from_utf8(line).unwrap()));
        }
        assert_eq!(seen, [(1, "a".into()), (2, String::new()), (3, "b".into())]);
    }

    #[test]
    fn endless_lines_are_an_error() {
        assert!(Lines::new(io::repeat(b'x')).next_line().is_err());
    }
}
