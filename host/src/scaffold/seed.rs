//! Copies what the checkout has compiled already of a new crate's dependencies into its target folder.
//!
//! libtorch's bindings take minutes to compile. The two could share one folder instead, but cargo names a plugin's library by its
//! crate alone there, so that two plugins of one name would silently be taken for each other. A copy stays good when the checkout
//! moves on; where cargo finds no use for it, it compiles as usual. Crates of the checkout itself are left out: cargo knows those by
//! their sources' times.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::path::Path;

use super::origin::Origin;

/// The crates of the checkout that a plugin may depend on.
const ROOTS: [&str; 2] = ["plugin-api", "graph_data"];

/// Gives the number of files copied.
pub fn seed(origin: &Origin, target: &Path) -> io::Result<usize> {
    let (Some(from), Some(lock)) = (&origin.build_dir, &origin.lock) else { return Ok(0) };
    let Some(profile) = from.file_name() else { return Ok(0) };
    let (to, wanted) = (target.join(profile), third_party_crates(lock));
    let (mut hashes, mut n_files) = (BTreeSet::new(), 0);
    // The order matters beside a build under way there: cargo writes a fingerprint last.
    for folder in [".fingerprint", "build"] {
        for entry in entries(&from.join(folder))? {
            let name = entry.file_name().to_string_lossy().into_owned();
            if let Some((package, hash)) = name.rsplit_once('-').filter(|(package, _)| wanted.contains(*package)) {
                log::debug!("{package}-{hash} is compiled already");
                hashes.insert(hash.to_owned());
                n_files += copy_folder(&entry.path(), &to.join(folder).join(&name))?;
            }
        }
    }
    for entry in entries(&from.join("deps"))? {
        let name = entry.file_name().to_string_lossy().into_owned();
        let hash = name.split('.').next().and_then(|stem| stem.rsplit_once('-')).map(|(_, hash)| hash);
        if hash.is_some_and(|hash| hashes.contains(hash)) {
            n_files += link_file(&entry.path(), &to.join("deps").join(&name))?;
        }
    }
    Ok(n_files)
}

/// What the roots depend on, directly and not, from a registry.
fn third_party_crates(lock: &str) -> BTreeSet<String> {
    let packages = packages(lock);
    let (mut open, mut seen) = (ROOTS.to_vec(), BTreeSet::new());
    while let Some(name) = open.pop() {
        if seen.insert(name) {
            open.extend(packages.get(name).into_iter().flat_map(|package| package.dependencies.iter().copied()));
        }
    }
    let is_third_party = |name: &&str| packages.get(name).is_some_and(|package| package.has_source);
    seen.into_iter().filter(is_third_party).map(str::to_owned).collect()
}

#[derive(Default)]
struct Package<'a> {
    has_source: bool,
    dependencies: Vec<&'a str>,
}

/// The packages of a Cargo.lock; versions of one name are taken together.
fn packages(lock: &str) -> BTreeMap<&str, Package<'_>> {
    let mut packages: BTreeMap<&str, Package> = BTreeMap::new();
    for block in lock.split("[[package]]").skip(1) {
        let quoted = |line: &str, before: &str| line.strip_prefix(before).is_some_and(|rest| rest.starts_with('"'));
        let name = block.lines().find_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'));
        let Some(name) = name else { continue };
        let package = packages.entry(name).or_default();
        package.has_source |= block.lines().any(|line| quoted(line, "source = "));
        // ` "libc",` or ` "zip 0.6.6",`.
        let dependency = |line| str::strip_prefix(line, " \"")?.trim_end_matches([',', '"']).split(' ').next();
        package.dependencies.extend(block.lines().filter_map(dependency));
    }
    packages
}

fn entries(folder: &Path) -> io::Result<Vec<std::fs::DirEntry>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    std::fs::read_dir(folder)?.collect()
}

fn copy_folder(from: &Path, to: &Path) -> io::Result<usize> {
    let mut n_files = 0;
    for entry in entries(from)? {
        let target = to.join(entry.file_name());
        n_files += match entry.file_type()?.is_dir() {
            true => copy_folder(&entry.path(), &target)?,
            false => copy_file(&entry.path(), &target)?,
        };
    }
    // An empty one counts, too: build scripts look for theirs.
    std::fs::create_dir_all(to)?;
    Ok(n_files)
}

/// Compiled crates, which cargo and rustc replace and never write into, need no space of their own. What is written in place, such as
/// fingerprints and the output of build scripts, is copied.
fn link_file(from: &Path, to: &Path) -> io::Result<usize> {
    let is_compiled =
        from.extension().is_some_and(|extension| ["rlib", "rmeta", "so"].iter().any(|name| extension == *name));
    if !is_compiled || to.exists() {
        return copy_file(from, to);
    }
    to.parent().map_or(Ok(()), std::fs::create_dir_all)?;
    // Fails across file systems.
    std::fs::hard_link(from, to).map(|()| 1).or_else(|_| copy_file(from, to))
}

/// With its time, by which cargo tells what is up to date. A file that is there stays.
fn copy_file(from: &Path, to: &Path) -> io::Result<usize> {
    if to.exists() {
        return Ok(0);
    }
    to.parent().map_or(Ok(()), std::fs::create_dir_all)?;
    std::fs::copy(from, to)?;
    File::options().write(true).open(to)?.set_modified(from.metadata()?.modified()?)?;
    Ok(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crates_that_a_plugin_depends_on() {
        let lock = r#"
[[package]]
name = "plugin-api"
version = "1.1.0"
dependencies = [
 "tch",
 "zip 0.6.6",
]

[[package]]
name = "tch"
version = "0.24.0"
source = "registry"
dependencies = [
 "torch-sys",
]

[[package]]
name = "torch-sys"
version = "0.24.0"
source = "registry"

[[package]]
name = "zip"
version = "0.6.6"
source = "registry"

[[package]]
name = "clap"
version = "4.0.0"
source = "registry"
"#;
        assert_eq!(Vec::from_iter(third_party_crates(lock)), ["tch", "torch-sys", "zip"]);
    }

    #[test]
    fn only_what_those_were_compiled_to_is_copied_with_its_time() {
        let folder = tempfile::tempdir().unwrap();
        let built = folder.path().join("checkout/target/debug");
        let files = [
            ".fingerprint/tch-01/lib-tch",
            "build/tch-02/output",
            "deps/libtch-01.rlib",
            "deps/tch-01.d",
            ".fingerprint/host-03/lib-host",
            "deps/libhost-03.rlib",
        ];
        for file in files {
            std::fs::create_dir_all(built.join(file).parent().unwrap()).unwrap();
            std::fs::write(built.join(file), file).unwrap();
            let then = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000);
            File::options().write(true).open(built.join(file)).unwrap().set_modified(then).unwrap();
        }
        let lock = "[[package]]\nname = \"plugin-api\"\ndependencies = [\n \"tch\",\n]\n[[package]]\nname = \"tch\"\nsource = \"r\"\n";
        let origin = Origin {
            plugin_api: super::super::origin::PluginApi::Version("1.1".into()),
            libtorch: built.clone(),
            lock: Some(lock.into()),
            build_dir: Some(built.clone()),
        };
        let target = folder.path().join("plugin/target");
        assert_eq!(seed(&origin, &target).unwrap(), 4);
        for file in &files[..4] {
            let (one, other) =
                (built.join(file).metadata().unwrap(), target.join("debug").join(file).metadata().unwrap());
            assert_eq!(one.modified().unwrap(), other.modified().unwrap());
        }
        assert!(!target.join("debug/deps/libhost-03.rlib").exists());
        assert_eq!(seed(&origin, &target).unwrap(), 0, "what is there stays");
    }
}
