//! Reads a string that holds interpolations, by OmegaConf's grammar.
//!
//! Leaves out: what the parts stand for (`resolve`).

use crate::config::key_path::KeyPath;
use crate::config::literal;
use crate::config::node::Value;

/// Interpolations may stand inside each other this deep.
const MAX_DEPTH: usize = 32;

/// A part of a string.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Piece {
    Text(String),
    Reference(Reference),
    Call { name: String, arguments: Vec<Argument> },
}

/// `${a.b}` has no dots in front; `${.a}` has one and starts at the mapping that holds the value, `${..a}` one above.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reference {
    pub dots: usize,
    /// The keys; each may be put together from text and further interpolations.
    pub keys: Vec<Vec<Piece>>,
}

/// An argument of a resolver.
#[derive(Debug, Clone)]
pub(crate) enum Argument {
    Literal(Value),
    /// Text with interpolations; a single interpolation keeps its type.
    Pieces(Vec<Piece>),
    List(Vec<Argument>),
    Map(Vec<(String, Argument)>),
}

impl PartialEq for Argument {
    fn eq(&self, other: &Self) -> bool {
        format!("{self:?}") == format!("{other:?}")
    }
}

/// What is wrong with the text, and at which of its characters, counted from 0.
#[derive(Debug)]
pub(crate) struct SyntaxFault {
    pub what: String,
    pub at: usize,
}

/// True if the text must be parsed: it holds an interpolation or an escaped one.
pub(crate) fn has_interpolation(text: &str) -> bool {
    text.contains("${")
}

pub(crate) fn parse(text: &str) -> Result<Vec<Piece>, SyntaxFault> {
    let mut cursor = Cursor { letters: text.chars().collect(), at: 0 };
    cursor.pieces(None, 0)
}

/// Reads a whole text as one argument, as `oc.decode` does.
pub(crate) fn parse_argument(text: &str) -> Result<Argument, SyntaxFault> {
    let mut cursor = Cursor { letters: text.chars().collect(), at: 0 };
    let argument = cursor.argument(0)?;
    cursor.skip_blanks();
    match cursor.peek() {
        None => Ok(argument),
        Some(letter) => cursor.fault(format!("`{letter}` cannot stand here")),
    }
}

/// Reads `a.b[0]` or `.a`, the inside of a reference.
pub(crate) fn parse_reference(text: &str) -> Result<Reference, SyntaxFault> {
    match parse(&format!("${{{text}}}"))?.as_slice() {
        [Piece::Reference(reference)] => Ok(reference.clone()),
        _ => Err(SyntaxFault { what: "this is no key".to_owned(), at: 0 }),
    }
}

/// The path of a string that is one plain absolute reference, `${a.b}`.
pub(crate) fn whole_reference(text: &str) -> Option<KeyPath> {
    if !has_interpolation(text) {
        return None;
    }
    let pieces = parse(text).ok()?;
    let [Piece::Reference(Reference { dots: 0, keys })] = pieces.as_slice() else {
        return None;
    };
    keys.iter().try_fold(KeyPath::default(), |path, key| match key.as_slice() {
        [Piece::Text(name)] => Some(path.child(name)),
        _ => None,
    })
}

struct Cursor {
    letters: Vec<char>,
    at: usize,
}

impl Cursor {
    fn peek(&self) -> Option<char> {
        self.letters.get(self.at).copied()
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    fn opens(&self) -> bool {
        self.letters.get(self.at..self.at + 2) == Some(&['$', '{'])
    }

    fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(' ' | '\t')) {
            self.at += 1;
        }
    }

    fn fault<T>(&self, what: impl Into<String>) -> Result<T, SyntaxFault> {
        Err(SyntaxFault { what: what.into(), at: self.at })
    }

    /// Text and interpolations up to the end, or up to the closing quote. Backslashes count before `${` and the quote.
    fn pieces(&mut self, quote: Option<char>, depth: usize) -> Result<Vec<Piece>, SyntaxFault> {
        let mut pieces = Vec::new();
        let mut text = String::new();
        loop {
            let slashes = self.letters[self.at..].iter().take_while(|letter| **letter == '\\').count();
            self.at += slashes;
            let is_quote = quote.is_some() && self.peek() == quote;
            if !self.opens() && !is_quote {
                text.push_str(&"\\".repeat(slashes));
                match self.peek() {
                    Some(letter) => text.push(letter),
                    None if quote.is_some() => return self.fault("a quote is never closed"),
                    None => break,
                }
                self.at += 1;
                continue;
            }
            text.push_str(&"\\".repeat(slashes / 2));
            if slashes % 2 == 1 {
                text.extend(self.peek());
                self.at += 1;
            } else if is_quote {
                self.at += 1;
                break;
            } else {
                push_text(&mut pieces, &mut text);
                pieces.push(self.interpolation(depth)?);
            }
        }
        push_text(&mut pieces, &mut text);
        Ok(pieces)
    }

    /// From `${` to its `}`.
    fn interpolation(&mut self, depth: usize) -> Result<Piece, SyntaxFault> {
        if depth >= MAX_DEPTH {
            return self.fault(format!("interpolations stand more than {MAX_DEPTH} deep inside each other"));
        }
        self.at += 2;
        self.skip_blanks();
        let mut dots = 0;
        while self.take('.') {
            dots += 1;
        }
        let mut keys: Vec<Vec<Piece>> = Vec::new();
        loop {
            let bracket = self.take('[');
            let key = self.key(depth)?;
            if key.is_empty() {
                return self.fault("a key is expected here, as in `${section.key}`");
            }
            keys.push(key);
            if bracket && !self.take(']') {
                return self.fault("a `]` is expected here");
            }
            let before_blanks = self.at;
            self.skip_blanks();
            match self.peek() {
                Some('}') => {
                    self.at += 1;
                    return Ok(Piece::Reference(Reference { dots, keys }));
                }
                Some(':') if dots == 0 => {
                    self.at += 1;
                    return self.call(&keys, depth);
                }
                Some('.') if self.at == before_blanks => self.at += 1,
                Some('[') if self.at == before_blanks => {}
                Some(letter) => return self.fault(format!("`{letter}` cannot stand here")),
                None => return self.fault("a `${` is never closed with `}`"),
            }
        }
    }

    fn key(&mut self, depth: usize) -> Result<Vec<Piece>, SyntaxFault> {
        let mut pieces = Vec::new();
        let mut text = String::new();
        while let Some(letter) = self.peek() {
            if self.opens() {
                push_text(&mut pieces, &mut text);
                pieces.push(self.interpolation(depth + 1)?);
            } else if "\\{}()[]:., \t'\"".contains(letter) {
                break;
            } else {
                text.push(letter);
                self.at += 1;
            }
        }
        push_text(&mut pieces, &mut text);
        Ok(pieces)
    }

    fn call(&mut self, keys: &[Vec<Piece>], depth: usize) -> Result<Piece, SyntaxFault> {
        let mut names = Vec::new();
        for key in keys {
            match key.as_slice() {
                [Piece::Text(name)] => names.push(name.as_str()),
                _ => return self.fault("the name of a resolver cannot be an interpolation"),
            }
        }
        let arguments = self.arguments('}', depth)?;
        Ok(Piece::Call { name: names.join("."), arguments })
    }

    /// Arguments up to the closing sign, which is taken too. None at all are none; an empty one is empty text.
    fn arguments(&mut self, closing: char, depth: usize) -> Result<Vec<Argument>, SyntaxFault> {
        let mut arguments = Vec::new();
        self.skip_blanks();
        if self.take(closing) {
            return Ok(arguments);
        }
        loop {
            arguments.push(self.argument(depth)?);
            self.skip_blanks();
            if self.take(closing) {
                return Ok(arguments);
            }
            if !self.take(',') {
                return self.fault(format!("`,` or `{closing}` is expected here"));
            }
        }
    }

    fn argument(&mut self, depth: usize) -> Result<Argument, SyntaxFault> {
        if depth >= MAX_DEPTH {
            return self.fault(format!("arguments are nested more than {MAX_DEPTH} deep"));
        }
        self.skip_blanks();
        match self.peek() {
            Some(quote @ ('\'' | '"')) => {
                self.at += 1;
                let pieces = self.pieces(Some(quote), depth + 1)?;
                // Quoted, so it is text even if it is nothing but one interpolation.
                Ok(Argument::Pieces([vec![Piece::Text(String::new())], pieces].concat()))
            }
            Some('[') => {
                self.at += 1;
                self.arguments(']', depth + 1).map(Argument::List)
            }
            Some('{') => self.map(depth),
            Some(_) | None => self.word(depth),
        }
    }

    fn map(&mut self, depth: usize) -> Result<Argument, SyntaxFault> {
        self.at += 1;
        let mut pairs = Vec::new();
        self.skip_blanks();
        while !self.take('}') {
            let key: String =
                self.letters[self.at..].iter().take_while(|letter| !":,{}[]()'\"".contains(**letter)).collect();
            self.at += key.chars().count();
            if !self.take(':') {
                return self.fault("a `:` is expected here");
            }
            pairs.push((key.trim().to_owned(), self.argument(depth + 1)?));
            self.skip_blanks();
            if !self.take(',') && self.peek() != Some('}') {
                return self.fault("`,` or `}` is expected here");
            }
            self.skip_blanks();
        }
        Ok(Argument::Map(pairs))
    }

    /// An unquoted argument without the blanks around it.
    fn word(&mut self, depth: usize) -> Result<Argument, SyntaxFault> {
        let start = self.at;
        let mut pieces = Vec::new();
        let mut text = String::new();
        let mut kept = 0;
        let mut escaped = false;
        while let Some(letter) = self.peek() {
            if self.opens() {
                push_text(&mut pieces, &mut text);
                pieces.push(self.interpolation(depth + 1)?);
                kept = 0;
                continue;
            }
            let next = self.letters.get(self.at + 1);
            if letter == '\\' && next.is_some_and(|next| "\\()[]{}:=, \t".contains(*next)) {
                self.at += 1;
                text.extend(self.peek());
                escaped = true;
                kept = text.len();
            } else if ",]}[{()'\"".contains(letter) {
                break;
            } else {
                text.push(letter);
                if !matches!(letter, ' ' | '\t') {
                    kept = text.len();
                }
            }
            self.at += 1;
        }
        text.truncate(kept);
        if pieces.is_empty() && !escaped && !text.is_empty() {
            let literal = literal::typed(&text).map_err(|what| SyntaxFault { what, at: start })?;
            return Ok(Argument::Literal(literal));
        }
        push_text(&mut pieces, &mut text);
        if pieces.is_empty() {
            return Ok(Argument::Literal(Value::String(String::new())));
        }
        Ok(Argument::Pieces(pieces))
    }
}

fn push_text(pieces: &mut Vec<Piece>, text: &mut String) {
    if !text.is_empty() {
        pieces.push(Piece::Text(std::mem::take(text)));
    }
}
