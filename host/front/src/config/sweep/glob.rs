//! Patterns of names as Python's `fnmatch` has them: `*`, `?`, `[abc]`, `[a-z]`, `[!abc]`.

pub(super) fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    // Where the last `*` stands, and how much of the name it has taken.
    let (mut at, mut taken, mut star) = (0, 0, None);
    while taken < name.len() {
        match step(&pattern[at..], name[taken]) {
            Some(length) => (at, taken) = (at + length, taken + 1),
            None if pattern.get(at) == Some(&'*') => {
                star = Some((at, taken));
                at += 1;
            }
            None => match &mut star {
                Some((place, end)) => {
                    *end += 1;
                    (at, taken) = (*place + 1, *end);
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|letter| *letter == '*')
}

/// How many signs of the pattern match this letter; nothing for a `*` or if they do not.
fn step(pattern: &[char], letter: char) -> Option<usize> {
    match pattern.first()? {
        '*' => None,
        '?' => Some(1),
        '[' => match set(pattern) {
            Some((members, is_negated, length)) => (contains(members, letter) != is_negated).then_some(length),
            None => (letter == '[').then_some(1),
        },
        other => (*other == letter).then_some(1),
    }
}

/// The inside of `[...]`; a `]` that comes first belongs to it.
fn set(pattern: &[char]) -> Option<(&[char], bool, usize)> {
    let is_negated = pattern.get(1) == Some(&'!');
    let start = if is_negated { 2 } else { 1 };
    let end = start + 1 + pattern.get(start + 1..)?.iter().position(|letter| *letter == ']')?;
    Some((&pattern[start..end], is_negated, end + 1))
}

fn contains(members: &[char], letter: char) -> bool {
    let mut rest = members;
    while let Some(first) = rest.first() {
        match rest {
            [low, '-', high, ..] => {
                if (*low..=*high).contains(&letter) {
                    return true;
                }
                rest = &rest[3..];
            }
            _ if *first == letter => return true,
            _ => rest = &rest[1..],
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns_match_as_in_fnmatch() {
        for (pattern, name, expected) in [
            ("*", "", true),
            ("*", "gat", true),
            ("g*", "gat", true),
            ("*t", "gat", true),
            ("*a*t*", "gat", true),
            ("g?t", "gat", true),
            ("g?t", "gaat", false),
            ("[gx]at", "gat", true),
            ("[a-f]at", "gat", false),
            ("[!a-f]at", "gat", true),
            ("[]]", "]", true),
            ("[", "[", true),
            ("gat", "gatt", false),
            ("a*b*c", "abxbc", true),
            ("a*b*c", "abxb", false),
            ("**", "x", true),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }
}
