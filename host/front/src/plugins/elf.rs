//! What an ELF library tells of itself: its note, what it needs, which glibc. No code of it runs, and only what is looked at is read.

use std::fs::File;
use std::path::Path;
use std::sync::OnceLock;

use object::elf::{DT_NEEDED, DT_RPATH, DT_RUNPATH};
use object::read::elf::ElfFile64;
use object::{Architecture, Endianness, FileKind, Object, ObjectSection, ObjectSymbol, ReadCache};
use plugin_identity::note;

use crate::plugins::Refusal;

/// The libraries of libtorch by the names under which the host has them mapped.
const LIBTORCH: [&str; 6] =
    ["libtorch.so", "libtorch_cpu.so", "libc10.so", "libtorch_cuda.so", "libc10_cuda.so", "libtorch_cuda_linalg.so"];

/// A version of glibc, as in `GLIBC_2.36`.
type Glibc = Vec<u32>;

/// A 64-bit ELF library.
pub struct Elf<'a>(ElfFile64<'a, Endianness, &'a ReadCache<&'a File>>);

impl<'a> Elf<'a> {
    /// # Errors
    /// If it is something else, or for another processor.
    pub fn parse(cache: &'a ReadCache<&'a File>) -> Result<Self, Refusal> {
        let host = std::env::consts::ARCH;
        let other = |found: &str| Refusal::Architecture { found: found.to_owned(), host };
        match FileKind::parse(cache) {
            Ok(FileKind::Elf32) => return Err(other("a 32-bit processor")),
            Ok(FileKind::MachO32 | FileKind::MachO64 | FileKind::MachOFat32 | FileKind::MachOFat64) => {
                return Err(other("macOS"));
            }
            Ok(FileKind::Pe32 | FileKind::Pe64) => return Err(other("Windows")),
            Ok(_) | Err(_) => {}
        }
        let elf = ElfFile64::parse(cache).map_err(not_elf)?;
        if elf.architecture() != host_architecture() {
            return Err(other(&format!("{:?}", elf.architecture()).to_lowercase()));
        }
        Ok(Self(elf))
    }

    /// The text of the identity note.
    pub fn note(&self) -> Result<&'a str, Refusal> {
        let section = self.0.section_by_name(note::SECTION).ok_or(Refusal::NoNote)?;
        let section = section.data().map_err(not_elf)?;
        note::description(section).ok_or_else(|| Refusal::BadNote("it is malformed".into()))
    }

    /// How it brings a libtorch of its own, if it does: it holds the code, or wants it under a name that only a copy has.
    pub fn own_libtorch(&self) -> Result<Option<String>, Refusal> {
        let defined = self
            .0
            .dynamic_symbols()
            .any(|symbol| symbol.is_definition() && symbol.name().is_ok_and(|name| name == "aoti_torch_abi_version"));
        if defined {
            return Ok(Some("libtorch's code is part of the file".to_owned()));
        }
        let is_libtorch = |name: &String| name.starts_with("libtorch") || name.starts_with("libc10");
        let mut needed = self.dynamic(&[DT_NEEDED])?.into_iter();
        let renamed = needed.find(|name| is_libtorch(name) && !LIBTORCH.contains(&name.as_str()));
        Ok(renamed.map(|name| format!("it needs {name}, which is none of the host's")))
    }

    /// Whether it looks for other libraries beside itself, by `$ORIGIN`.
    pub fn searches_beside_itself(&self) -> Result<bool, Refusal> {
        Ok(self.dynamic(&[DT_RUNPATH, DT_RPATH])?.iter().any(|path| path.contains("ORIGIN")))
    }

    /// The glibc it needs and the one there is, if that is too old.
    pub fn missing_glibc(&self) -> Result<Option<(String, String)>, Refusal> {
        let Some(has) = running_glibc() else { return Ok(None) };
        let needs = self.needed_glibc()?;
        Ok(needs.filter(|needs| needs > has).map(|needs| (text(&needs), text(has))))
    }

    fn needed_glibc(&self) -> Result<Option<Glibc>, Refusal> {
        let (endian, data, sections) = (self.0.endian(), self.0.data(), self.0.elf_section_table());
        let Some((needs, strings)) = sections.gnu_verneed(endian, data).map_err(not_elf)? else { return Ok(None) };
        let strings = sections.strings(endian, data, strings).map_err(not_elf)?;
        let mut newest = None;
        for need in needs {
            for version in need.map_err(not_elf)?.1 {
                let name = version.map_err(not_elf)?.name(endian, strings).map_err(not_elf)?;
                newest = newest.max(glibc_version(name));
            }
        }
        Ok(newest)
    }

    /// The versions of glibc that it defines: of libc itself.
    fn defined_glibc(&self) -> Option<Glibc> {
        let (endian, data, sections) = (self.0.endian(), self.0.data(), self.0.elf_section_table());
        let (definitions, strings) = sections.gnu_verdef(endian, data).ok()??;
        let strings = sections.strings(endian, data, strings).ok()?;
        let first_names = definitions.filter_map(|definition| definition.ok()?.1.next().ok()?);
        first_names.filter_map(|name| glibc_version(name.name(endian, strings).ok()?)).max()
    }

    /// The strings of the dynamic section under these tags.
    fn dynamic(&self, tags: &[object::elf::DynamicTag]) -> Result<Vec<String>, Refusal> {
        let (endian, data) = (self.0.endian(), self.0.data());
        let table = self.0.elf_section_table().dynamic_table(endian, data).map_err(not_elf)?;
        let wanted = table.iter().filter(|entry| tags.contains(&entry.tag));
        wanted.map(|entry| Ok(String::from_utf8_lossy(table.string(entry).map_err(not_elf)?).into_owned())).collect()
    }
}

fn not_elf(error: object::Error) -> Refusal {
    Refusal::NotElf(error.to_string())
}

fn host_architecture() -> Architecture {
    if cfg!(target_arch = "aarch64") {
        Architecture::Aarch64
    } else {
        Architecture::X86_64
    }
}

/// The glibc of this process as its file tells: the newest version that it defines is what the loader compares with.
pub fn running_glibc() -> Option<&'static Glibc> {
    static RUNNING: OnceLock<Option<Glibc>> = OnceLock::new();
    RUNNING
        .get_or_init(|| {
            let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
            let path = maps.lines().filter_map(|line| line.find('/').map(|at| &line[at..]));
            let libc =
                path.into_iter().find(|path| Path::new(path).file_name().is_some_and(|name| name == "libc.so.6"))?;
            let file = File::open(libc).ok()?;
            Elf::parse(&ReadCache::new(&file)).ok()?.defined_glibc()
        })
        .as_ref()
}

/// `2.36`.
pub fn text(version: &Glibc) -> String {
    version.iter().map(u32::to_string).collect::<Vec<_>>().join(".")
}

fn glibc_version(name: &[u8]) -> Option<Glibc> {
    // `GLIBC_PRIVATE` and `GLIBC_ABI_DT_RELR` have no number.
    let name = std::str::from_utf8(name).ok()?.strip_prefix("GLIBC_")?;
    name.split('.').map(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_glibc_are_ordered_as_numbers() {
        assert_eq!(glibc_version(b"GLIBC_2.2.5"), Some(vec![2, 2, 5]));
        assert_eq!((glibc_version(b"GLIBC_PRIVATE"), glibc_version(b"CXXABI_1.3")), (None, None));
        assert!(glibc_version(b"GLIBC_2.4") < glibc_version(b"GLIBC_2.36"));
        let running = running_glibc().unwrap();
        assert!(*running >= vec![2, 17], "{}", text(running));
    }
}
