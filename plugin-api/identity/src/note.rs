//! The identity note: an ELF note section in every plugin, which a host reads without running any code of the file.
//!
//! The description is text, `key=value` a line, so that a later version can add keys: `name`, `version`, `api` (the least API of a
//! host that can run it), `built` (the API it was built against; since 1.1), `libtorch`, `rustc`, `panic`, `authors`, `license`,
//! `description`, and a line `KIND=CONSTRUCTOR` per constructor.

/// The name of the section, and with a final NUL of the note's owner.
pub const SECTION: &str = ".note.recsys-host";

/// The owner of the note, NUL included; 12 bytes, so that no padding follows.
pub const OWNER: [u8; 12] = *b"recsys-host\0";

/// The type of the note.
pub const TYPE: u32 = 1;

/// What every plugin's note tells of the contract and the tools it was built with.
pub const API_LINE: &str =
    concat!("api=1.0\nbuilt=1.1\nlibtorch=", env!("PLUGIN_API_LIBTORCH"), "\nrustc=", env!("PLUGIN_API_RUSTC"), "\n");

/// An ELF note, aligned to 4 bytes. `N` is a multiple of 4.
#[repr(C, align(4))]
pub struct Note<const N: usize> {
    owner_size: u32,
    description_size: u32,
    note_type: u32,
    owner: [u8; 12],
    description: [u8; N],
}

impl<const N: usize> Note<N> {
    pub const fn new(parts: &[&str]) -> Self {
        Self {
            owner_size: OWNER.len() as u32,
            description_size: N as u32,
            note_type: TYPE,
            owner: OWNER,
            description: concat(parts),
        }
    }
}

/// The size of the concatenated parts, rounded up to 4.
pub const fn size(parts: &[&str]) -> usize {
    let mut size = 0;
    let mut part = 0;
    while part < parts.len() {
        size += parts[part].len();
        part += 1;
    }
    size.next_multiple_of(4)
}

/// The parts one after the other, padded with line feeds.
const fn concat<const N: usize>(parts: &[&str]) -> [u8; N] {
    let mut bytes = [b'\n'; N];
    let (mut at, mut part) = (0, 0);
    while part < parts.len() {
        let text = parts[part].as_bytes();
        let mut index = 0;
        while index < text.len() {
            bytes[at] = text[index];
            at += 1;
            index += 1;
        }
        part += 1;
    }
    bytes
}

/// The text of a note section's content, or `None` if it is no note of ours.
pub fn description(section: &[u8]) -> Option<&str> {
    let word = |at: usize| section.get(at..at + 4)?.try_into().ok().map(u32::from_ne_bytes);
    let (owner_size, size, note_type) = (word(0)?, word(4)? as usize, word(8)?);
    if owner_size as usize != OWNER.len() || note_type != TYPE || section.get(12..24)? != OWNER.as_slice() {
        return None;
    }
    std::str::from_utf8(section.get(24..24usize.checked_add(size)?)?).ok()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_note_tells_both_api_versions() {
        let both = format!("api={}\nbuilt={}\n", crate::LEAST_HOST, crate::API_VERSION);
        assert!(super::API_LINE.starts_with(&both));
        assert!(crate::API_VERSION.accepts(crate::LEAST_HOST));
    }

    #[test]
    fn parts_are_joined_and_read_back() {
        const PARTS: &[&str] = &["name=gat\n", "version=0.1.0\n"];
        const NOTE: super::Note<{ super::size(PARTS) }> = super::Note::new(PARTS);
        let mut section = Vec::new();
        for word in [NOTE.owner_size, NOTE.description_size, NOTE.note_type] {
            section.extend(word.to_ne_bytes());
        }
        section.extend(NOTE.owner);
        section.extend(NOTE.description);
        assert_eq!(super::description(&section).unwrap().trim_end(), "name=gat\nversion=0.1.0");
        for end in 0..section.len() {
            assert!(super::description(&section[..end]).is_none());
        }
    }
}
