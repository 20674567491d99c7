//! Reads one override by Hydra's grammar.
//!
//! More is accepted than Hydra accepts where the meaning is plain: letters of any script and signs such as `~`, `#`, `!`
//! in unquoted text, `a[0]` in keys, nested braces in `${...}`. Leaves out: what the override then does (`apply`).

use std::sync::Arc;

use super::{Assigned, Call, Element, Operation, Override};
use crate::config::errors::Fault;
use crate::config::literal;
use crate::config::node::Value;
use crate::config::origin::Origin;
use crate::config::yaml::MAX_DEPTH;

/// Reads all overrides; what cannot be read is a fault, the others are still returned.
pub(crate) fn parse_all(texts: &[String]) -> (Vec<Override>, Vec<Fault>) {
    let mut faults = Vec::new();
    let overrides = texts.iter().filter_map(|text| parse(text).map_err(|fault| faults.push(fault)).ok()).collect();
    (overrides, faults)
}

pub(crate) fn parse(text: &str) -> Result<Override, Fault> {
    let mut cursor = Cursor { text: Arc::from(text), letters: text.chars().collect(), at: 0 };
    let operation = cursor.operation();
    let key_column = cursor.at + 1;
    let (key, package) = cursor.key()?;
    let value = match cursor.next() {
        Some(_) => Some(cursor.assigned()?),
        None if operation == Operation::Delete => None,
        None => return Err(cursor.fault("an override needs a `=`").cure(format!("write `{text}=VALUE`"))),
    };
    let value_column = text.chars().position(|letter| letter == '=').map_or(key_column, |place| place + 2);
    Ok(Override { text: cursor.text, operation, key, package, value, key_column, value_column })
}

struct Cursor {
    text: Arc<str>,
    letters: Vec<char>,
    at: usize,
}

/// Where a word stands, which decides where it ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Value,
    MapKey,
}

impl Cursor {
    fn peek(&self) -> Option<char> {
        self.letters.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let letter = self.peek()?;
        self.at += 1;
        Some(letter)
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(' ' | '\t')) {
            self.at += 1;
        }
    }

    fn fault(&self, what: impl Into<String>) -> Fault {
        self.fault_at(self.at, what)
    }

    fn fault_at(&self, at: usize, what: impl Into<String>) -> Fault {
        Fault::new(what).at(&Origin::of_override(&self.text, at + 1).characters(1))
    }

    fn operation(&mut self) -> Operation {
        if self.take('~') {
            Operation::Delete
        } else if self.take('+') {
            if self.take('+') {
                Operation::ForceAdd
            } else {
                Operation::Add
            }
        } else {
            Operation::Change
        }
    }

    /// Everything before `=`: `a.b[0]`, `group/subgroup`, `group@package`.
    fn key(&mut self) -> Result<(String, Option<String>), Fault> {
        let start = self.at;
        while self.peek().is_some_and(|letter| letter != '=') {
            let allowed = self.peek().is_some_and(|letter| letter.is_alphanumeric() || "_-$.[]/@".contains(letter));
            if !allowed {
                return Err(self
                    .fault("this character cannot be part of a key")
                    .cure("write `key=value`, with no blanks before the `=`"));
            }
            self.at += 1;
        }
        let key: String = self.letters[start..self.at].iter().collect();
        let (name, package) = match key.split_once('@') {
            Some((name, package)) => (name, Some(package)),
            None => (key.as_str(), None),
        };
        let broken = |part: &str| part.split(['.', '/']).any(str::is_empty) || part.contains('@');
        if broken(name) || package.is_some_and(|package| package.contains('@')) {
            return Err(self
                .fault_at(start, "an override must name a key")
                .cure("write `key=value` or `section.key=value`"));
        }
        Ok((name.to_owned(), package.map(str::to_owned)))
    }

    /// Everything after `=`.
    fn assigned(&mut self) -> Result<Assigned, Fault> {
        self.skip_blanks();
        if self.peek().is_none() {
            return Ok(Assigned::One(Element::Scalar(Value::String(String::new()))));
        }
        let mut elements = vec![self.element(0)?];
        loop {
            self.skip_blanks();
            match self.peek() {
                None => break,
                Some(',') => {
                    self.at += 1;
                    elements.push(self.element(0)?);
                }
                Some(letter) => return Err(self.stray(letter)),
            }
        }
        match elements.pop() {
            Some(only) if elements.is_empty() => Ok(Assigned::One(only)),
            last => Ok(Assigned::Sweep(elements.into_iter().chain(last).collect())),
        }
    }

    fn stray(&self, letter: char) -> Fault {
        let cure = if matches!(letter, '\'' | '"') || letter.is_alphanumeric() {
            "quote the value as a whole, from its first character to its last".to_owned()
        } else {
            format!("quote the value, as in `\"key='value'\"`, or write `\\{letter}`")
        };
        self.fault(format!("`{letter}` cannot stand here")).cure(cure)
    }

    fn element(&mut self, depth: usize) -> Result<Element, Fault> {
        if depth > MAX_DEPTH {
            return Err(self.fault(format!("the value is nested more than {MAX_DEPTH} levels deep")));
        }
        self.skip_blanks();
        match self.peek() {
            Some('[') => self.list(depth),
            Some('{') => self.map(depth),
            Some('\'' | '"') => Ok(Element::Scalar(Value::String(self.quoted()?))),
            Some(_) | None => self.word_or_call(depth),
        }
    }

    fn list(&mut self, depth: usize) -> Result<Element, Fault> {
        let opening = self.at;
        self.at += 1;
        let mut items = Vec::new();
        self.skip_blanks();
        while !self.take(']') {
            items.push(self.element(depth + 1)?);
            self.separator(']', opening)?;
        }
        Ok(Element::List(items))
    }

    fn map(&mut self, depth: usize) -> Result<Element, Fault> {
        let opening = self.at;
        self.at += 1;
        let mut pairs = Vec::new();
        self.skip_blanks();
        while !self.take('}') {
            let key = match self.peek() {
                Some('\'' | '"') => self.quoted()?,
                Some(_) | None => self.word(Place::MapKey)?.0,
            };
            self.skip_blanks();
            if !self.take(':') {
                return Err(self.fault("a `:` is expected after the key of a mapping").cure("write `{key: value}`"));
            }
            pairs.push((key, self.element(depth + 1)?));
            self.separator('}', opening)?;
        }
        Ok(Element::Map(pairs))
    }

    /// After an item: a comma with an item to follow, or the end.
    fn separator(&mut self, closing: char, opening: usize) -> Result<(), Fault> {
        self.skip_blanks();
        if self.take(',') {
            self.skip_blanks();
            return match self.peek() {
                Some(letter) if letter == closing => Err(self.fault(format!("a value is expected before `{closing}`"))),
                Some(_) | None => Ok(()),
            };
        }
        match self.peek() {
            Some(letter) if letter == closing => Ok(()),
            Some(letter) => Err(self.stray(letter)),
            None => Err(self.fault_at(opening, format!("this is never closed with `{closing}`"))),
        }
    }

    /// A quoted string: backslashes count only before the quote, where two stand for one.
    fn quoted(&mut self) -> Result<String, Fault> {
        let opening = self.at;
        let quote = self.next().unwrap_or('\'');
        let mut text = String::new();
        while let Some(letter) = self.next() {
            if letter == quote {
                return Ok(text);
            }
            if letter != '\\' {
                text.push(letter);
                continue;
            }
            let mut slashes = 1;
            while self.take('\\') {
                slashes += 1;
            }
            if self.peek() == Some(quote) {
                text.push_str(&"\\".repeat(slashes / 2));
                if slashes % 2 == 1 {
                    text.push(quote);
                    self.at += 1;
                }
            } else {
                text.push_str(&"\\".repeat(slashes));
            }
        }
        Err(self.fault_at(opening, "this quote is never closed").cure("end the value with the same quote"))
    }

    fn word_or_call(&mut self, depth: usize) -> Result<Element, Fault> {
        let start = self.at;
        let (text, is_literal) = self.word(Place::Value)?;
        if self.peek() == Some('(') {
            return self.call(text, start, depth);
        }
        if !is_literal {
            return Ok(Element::Scalar(Value::String(text)));
        }
        literal::typed(&text).map(Element::Scalar).map_err(|what| self.fault_at(start, what))
    }

    fn call(&mut self, name: String, start: usize, depth: usize) -> Result<Element, Fault> {
        let opening = self.at;
        let is_name = name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
            && !name.starts_with(|first: char| first.is_ascii_digit());
        if !is_name {
            return Err(self.stray('('));
        }
        self.at += 1;
        let mut arguments = Vec::new();
        self.skip_blanks();
        while !self.take(')') {
            let label = self.argument_label();
            arguments.push((label, self.element(depth + 1)?));
            self.separator(')', opening)?;
        }
        Ok(Element::Call(Call { name, arguments, column: start + 1, length: self.at - start }))
    }

    /// `name=` before an argument, if it stands there.
    fn argument_label(&mut self) -> Option<String> {
        let rest = &self.letters[self.at..];
        let length = rest.iter().take_while(|letter| letter.is_ascii_alphanumeric() || **letter == '_').count();
        let blanks = rest[length..].iter().take_while(|letter| matches!(letter, ' ' | '\t')).count();
        if length == 0 || rest.get(length + blanks) != Some(&'=') {
            return None;
        }
        let label = rest[..length].iter().collect();
        self.at += length + blanks + 1;
        Some(label)
    }

    /// An unquoted text without the blanks around it, and whether it may be a number, boolean or null.
    fn word(&mut self, place: Place) -> Result<(String, bool), Fault> {
        let mut text = String::new();
        let mut kept = 0;
        let mut is_literal = true;
        while let Some(letter) = self.peek() {
            match letter {
                ',' | ']' | '}' | ')' | '(' => break,
                ':' if place == Place::MapKey => break,
                '[' | '{' | '=' | '\'' | '"' => return Err(self.stray(letter)),
                '$' if self.letters.get(self.at + 1) == Some(&'{') => {
                    text.push_str(&self.interpolation()?);
                    is_literal = false;
                    kept = text.len();
                    continue;
                }
                '\\' if self.letters.get(self.at + 1).is_some_and(|next| "\\()[]{}:=, \t".contains(*next)) => {
                    self.at += 1;
                    text.extend(self.peek());
                    is_literal = false;
                    kept = text.len();
                }
                _ => {
                    text.push(letter);
                    if !matches!(letter, ' ' | '\t') {
                        kept = text.len();
                    }
                }
            }
            self.at += 1;
        }
        text.truncate(kept);
        if text.is_empty() {
            return Err(self.fault("a value is expected here").cure("for empty text write `''`"));
        }
        Ok((text, is_literal))
    }

    /// `${...}` as it stands; it is resolved once the config is composed.
    fn interpolation(&mut self) -> Result<String, Fault> {
        let start = self.at;
        let mut depth = 0_usize;
        while let Some(letter) = self.next() {
            match letter {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            if letter == '}' && depth == 0 {
                return Ok(self.letters[start..self.at].iter().collect());
            }
        }
        Err(self.fault_at(start, "this `${` is never closed with `}`"))
    }
}
