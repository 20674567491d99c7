//! A byte stream in large blocks that end where a line ends. Leaves out what the lines mean.

use std::io::{self, Read};

/// Longest line accepted, in bytes with its end; protects from files without line ends.
pub const MAX_LINE: usize = 64 * 1024;

/// Cuts a stream into blocks of about `block_len` bytes, more where a line is longer.
pub struct Blocks<R> {
    reader: R,
    block_len: usize,
    /// The begun line behind the last block.
    rest: Vec<u8>,
    failure: Option<io::Error>,
}

impl<R: Read> Blocks<R> {
    pub fn new(reader: R, block_len: usize) -> Self {
        Self { reader, block_len, rest: Vec::new(), failure: None }
    }

    /// Replaces `block` by the next one; false at the end of the stream. Every block ends with a line end but the last and one whose
    /// line is longer than [`MAX_LINE`].
    ///
    /// # Errors
    /// The reader's, after the lines in front of the failure were given.
    pub fn fill(&mut self, block: &mut Vec<u8>) -> io::Result<bool> {
        block.clear();
        block.append(&mut self.rest);
        while self.failure.is_none() {
            let n_before = block.len();
            // What was read in front of a failure is in the block.
            let read = self.reader.by_ref().take(self.block_len as u64).read_to_end(block);
            let line_end = block[n_before..].iter().rposition(|byte| *byte == b'\n').map(|at| n_before + at + 1);
            match (read, line_end) {
                (Ok(0), _) => return Ok(!block.is_empty()),
                (Ok(_), Some(line_end)) => {
                    self.rest.extend_from_slice(&block[line_end..]);
                    block.truncate(line_end);
                    return Ok(true);
                }
                (Ok(_), None) if block.len() > MAX_LINE => return Ok(true),
                (Ok(_), None) => {}
                (Err(cause), line_end) => {
                    block.truncate(line_end.unwrap_or(0));
                    self.failure = Some(cause);
                }
            }
        }
        if !block.is_empty() {
            return Ok(true);
        }
        self.failure.take().map_or(Ok(false), Err)
    }
}

/// The first line without its end (LF or CRLF, none at the end of the file), and the length with it.
pub fn first_line(bytes: &[u8]) -> (&[u8], usize) {
    let len = bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |at| at + 1);
    let line = &bytes[..len];
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    (line.strip_suffix(b"\r").unwrap_or(line), len)
}

/// Cuts a block into pieces of about `piece_len` bytes that end where a line ends.
pub fn pieces(mut block: &[u8], piece_len: usize) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    while !block.is_empty() {
        let least = piece_len.clamp(1, block.len()) - 1;
        let len = block[least..].iter().position(|byte| *byte == b'\n').map_or(block.len(), |at| least + at + 1);
        let (piece, rest) = block.split_at(len);
        pieces.push(piece);
        block = rest;
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Gives its bytes a few at a time, then fails if told so.
    struct Trickle<'a>(&'a [u8], usize, bool);

    impl Read for Trickle<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() && self.2 {
                return Err(io::Error::other("broken"));
            }
            let n = self.1.min(self.0.len()).min(buffer.len());
            buffer[..n].copy_from_slice(&self.0[..n]);
            self.0 = &self.0[n..];
            Ok(n)
        }
    }

    fn all(mut blocks: Blocks<Trickle>) -> (Vec<Vec<u8>>, bool) {
        let (mut all, mut block) = (Vec::new(), Vec::new());
        loop {
            match blocks.fill(&mut block) {
                Ok(true) => all.push(block.clone()),
                Ok(false) => return (all, false),
                Err(_) => return (all, true),
            }
        }
    }

    proptest! {
        #[test]
        fn blocks_and_pieces_are_the_whole_cut_at_line_ends(
            text in "([a-c]{0,6}\n?){0,12}", step in 1..9usize, block_len in 1..20usize, piece_len in 0..20usize, fails: bool,
        ) {
            let (blocks, failed) = all(Blocks::new(Trickle(text.as_bytes(), step, fails), block_len));
            prop_assert_eq!(failed, fails);
            let whole_lines = text.rfind('\n').map_or(0, |at| at + 1);
            prop_assert_eq!(blocks.concat(), &text.as_bytes()[..if fails { whole_lines } else { text.len() }]);
            for (index, block) in blocks.iter().enumerate() {
                prop_assert!(block.ends_with(b"\n") || index + 1 == blocks.len());
                let pieces = pieces(block, piece_len);
                prop_assert_eq!(pieces.concat(), &block[..]);
                prop_assert!(pieces[..pieces.len() - 1].iter().all(|piece| piece.ends_with(b"\n")));
            }
        }
    }

    #[test]
    fn a_block_without_line_ends_is_not_read_for_ever() {
        let mut blocks = Blocks::new(io::repeat(b'x'), 1000);
        let mut block = Vec::new();
        assert!(blocks.fill(&mut block).unwrap());
        assert!(block.len() > MAX_LINE && block.len() < MAX_LINE + 2000);
    }

    #[test]
    fn ends_of_lines() {
        assert_eq!(first_line(b"a\r\nb"), (&b"a"[..], 3));
        assert_eq!(first_line(b"b\r"), (&b"b"[..], 2));
        assert_eq!(first_line(b"\n"), (&b""[..], 1));
        assert_eq!(first_line(b"a\r\r\n"), (&b"a\r"[..], 4));
    }
}
