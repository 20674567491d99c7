//! How much of a line a fault means: a key, a part of a key, a value.
//!
//! A look at one line, no parser: where a value goes on in the next line, its first line is shown.

/// The length of the word at the front: quoted, or up to a sign that ends a key or a plain value.
pub(super) fn word(letters: &[char]) -> usize {
    let Some(first) = letters.first() else { return 1 };
    if matches!(first, '\'' | '"') {
        return letters[1..].iter().position(|letter| letter == first).map_or(letters.len(), |end| end + 2);
    }
    let ends = |index: &usize| {
        let next = letters.get(index + 1);
        match letters[*index] {
            '=' | ',' | ']' | '}' | '@' => true,
            ':' => next.is_none_or(|next| next.is_whitespace()),
            ' ' | '\t' => next == Some(&'#'),
            _ => false,
        }
    };
    let end = (1..letters.len()).find(ends).unwrap_or(letters.len());
    trimmed(letters, end)
}

fn trimmed(letters: &[char], end: usize) -> usize {
    letters[..end].iter().rposition(|letter| !letter.is_whitespace()).map_or(1, |last| last + 1)
}

/// Where each part of `a.b[0]` begins, and its length.
pub(super) fn parts(key: &[char]) -> Vec<(usize, usize)> {
    let is_sign = |letter: &char| matches!(letter, '.' | '[' | ']');
    let mut parts = Vec::new();
    let mut start = 0;
    for part in key.split(is_sign) {
        if !part.is_empty() {
            parts.push((start, part.len()));
        }
        start += part.len() + 1;
    }
    parts
}

/// All behind the first `=`.
pub(super) fn value_of_override(letters: &[char]) -> Option<(usize, usize)> {
    let start = letters.iter().position(|letter| *letter == '=')? + 1;
    (start < letters.len()).then(|| (start, letters.len() - start))
}

/// The value behind the key that begins at `start`, if it begins in the same line.
pub(super) fn value_in_file(letters: &[char], start: usize) -> Option<(usize, usize)> {
    let colon = start + word(&letters[start..]);
    let colon = colon + letters.get(colon..)?.iter().position(|letter| !letter.is_whitespace())?;
    if letters[colon] != ':' {
        return None;
    }
    let begin = colon + 1 + letters[colon + 1..].iter().position(|letter| !letter.is_whitespace())?;
    let opened = letters[..start].iter().filter(|letter| matches!(letter, '[' | '{')).count();
    let closed = letters[..start].iter().filter(|letter| matches!(letter, ']' | '}')).count();
    match letters[begin] {
        '#' | '|' | '>' | '&' => None,
        '\'' | '"' => Some((begin, word(&letters[begin..]))),
        '[' | '{' => Some((begin, bracketed(&letters[begin..]))),
        _ if opened > closed => Some((begin, word(&letters[begin..]))),
        _ => {
            let comment =
                (begin..letters.len()).find(|index| letters[*index] == '#' && letters[index - 1].is_whitespace());
            Some((begin, trimmed(&letters[begin..], comment.unwrap_or(letters.len()) - begin)))
        }
    }
}

/// Up to the bracket that closes the first one.
fn bracketed(letters: &[char]) -> usize {
    let mut depth = 0_usize;
    for (index, letter) in letters.iter().enumerate() {
        match letter {
            '[' | '{' => depth += 1,
            ']' | '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return index + 1;
        }
    }
    trimmed(letters, letters.len())
}

#[cfg(test)]
mod tests {
    use super::{parts, value_in_file, value_of_override, word};

    fn letters(text: &str) -> Vec<char> {
        text.chars().collect()
    }

    #[test]
    fn words_end_where_yaml_and_overrides_end_them() {
        for (text, expected) in [
            ("key: 1", 3),
            ("'a b': 1", 5),
            ("a:b", 3),
            ("a=1", 1),
            ("plain text # why", 10),
            ("x", 1),
            ("", 1),
            ("a, b", 1),
        ] {
            assert_eq!(word(&letters(text)), expected, "{text}");
        }
    }

    #[test]
    fn values_stand_behind_their_keys() {
        for (line, key, expected) in [
            ("  lr: fast", 2, "fast"),
            ("  lr: fast   # quick", 2, "fast"),
            ("params: {lr: -0.1, patience: 0}", 9, "-0.1"),
            ("params: {lr: -0.1, patience: 0}", 0, "{lr: -0.1, patience: 0}"),
            ("k: [1, [2]] # two", 0, "[1, [2]]"),
            ("'k': 'a: b'", 0, "'a: b'"),
            ("k: a, b", 0, "a, b"),
            ("- model: gta", 2, "gta"),
        ] {
            let line = letters(line);
            let found = value_in_file(&line, key).map(|(start, length)| line[start..start + length].iter().collect());
            assert_eq!(found, Some(expected.to_owned()), "{line:?}");
        }
        for line in ["k:", "k: |", "k: # none"] {
            assert_eq!(value_in_file(&letters(line), 0), None, "{line}");
        }
        assert_eq!(value_of_override(&letters("a.b=1")), Some((4, 1)));
        assert_eq!(parts(&letters("a.bc[0].d")), [(0, 1), (2, 2), (5, 1), (8, 1)]);
    }
}
