//! `recsys-host plugins doctor`: every plugin file that is not used, why, and the cure.

use std::fs::File;
use std::path::Path;

use anyhow::Context;
use serde_json::{json, Value};

use crate::cli::Usage;
use crate::output::print;
use crate::plugins::scan_cache::{Quarantine, ScanCache};
use crate::plugins::search::Candidate;
use crate::plugins::{content, Refusal, SearchPath};

/// Hashes are told by their beginning, of at least this many digits.
const SHORTEST_HASH: usize = 6;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Print JSON instead of text.
    #[arg(long)]
    json: bool,
    /// Lift the quarantine of a library, by its file or the beginning of its sha256; the next run tries it anew.
    #[arg(long, value_name = "HASH | FILE")]
    forget: Option<String>,
}

/// What there is to say of a file.
struct Finding {
    library: String,
    path: String,
    origin: &'static str,
    /// `None` of a sound file.
    trouble: Option<Trouble>,
    /// A file of the same library that is found before.
    behind: Option<String>,
}

struct Trouble {
    code: &'static str,
    reason: String,
    cure: String,
}

pub fn run(arguments: &Arguments, search_path: &SearchPath) -> anyhow::Result<()> {
    if let Some(which) = &arguments.forget {
        return forget(which);
    }
    let mut findings = examine(search_path.files());
    findings.extend(elsewhere(&findings));
    if arguments.json {
        let all: Vec<Value> = findings.iter().map(as_value).collect();
        print(&serde_json::to_string_pretty(&all)?);
    } else {
        findings.iter().for_each(|finding| print(&as_text(finding)));
    }
    let n_troubled = findings.iter().filter(|finding| finding.trouble.is_some()).count();
    match n_troubled {
        0 => Ok(()),
        1 => anyhow::bail!("1 of {} plugin files cannot be used", findings.len()),
        n => anyhow::bail!("{n} of {} plugin files cannot be used", findings.len()),
    }
}

fn examine(files: Vec<Candidate>) -> Vec<Finding> {
    let mut used: std::collections::BTreeMap<String, String> = std::collections::BTreeMap::new();
    let finding = |candidate: Candidate| {
        let path = candidate.path.display().to_string();
        let trouble = candidate.identity.err().map(|refusal| Trouble::of(&refusal));
        let behind = match trouble {
            None if !used.contains_key(&candidate.library) => {
                used.insert(candidate.library.clone(), path.clone());
                None
            }
            None => used.get(&candidate.library).cloned(),
            Some(_) => None,
        };
        Finding { library: candidate.library, path, origin: candidate.origin, trouble, behind }
    };
    files.into_iter().map(finding).collect()
}

/// What is quarantined and lies where it died, but not on this search path.
fn elsewhere(findings: &[Finding]) -> Vec<Finding> {
    let is_listed = |path: &Path| {
        let same = |finding: &Finding| std::path::absolute(&finding.path).is_ok_and(|absolute| absolute == path);
        findings.iter().any(same)
    };
    let mut cache = ScanCache::load();
    let known: Vec<Quarantine> = cache.quarantined().cloned().collect();
    // Mended since, or gone: nothing to say.
    let mut is_there = |quarantine: &Quarantine| {
        let metadata = quarantine.path.metadata()?;
        let now = cache.quarantine_of_file(&quarantine.path, &metadata)?;
        Ok::<_, std::io::Error>(now.is_some_and(|now| now.sha256 == quarantine.sha256))
    };
    let others = known.iter().filter(|known| !is_listed(&known.path) && is_there(known).unwrap_or(false));
    let finding = |quarantine: &Quarantine| {
        let trouble = Trouble::of(&Refusal::Quarantined(Box::new(quarantine.clone())));
        let name = quarantine.path.file_stem().unwrap_or_default().to_string_lossy();
        let library = name.strip_prefix("lib").unwrap_or(&name).to_owned();
        let path = quarantine.path.display().to_string();
        Finding { library, path, origin: "not on the search path", trouble: Some(trouble), behind: None }
    };
    others.map(finding).collect()
}

impl Trouble {
    fn of(refusal: &Refusal) -> Self {
        Self { code: refusal.code(), reason: refusal.reason(), cure: refusal.cure() }
    }
}

fn as_text(finding: &Finding) -> String {
    let head = format!("{} ({})", finding.path, finding.origin);
    match (&finding.trouble, &finding.behind) {
        (Some(trouble), _) => format!("NOT USED  {head}\n  why:  {}\n  cure: {}", trouble.reason, trouble.cure),
        (None, Some(first)) => format!("behind    {head}\n  {first} is found first"),
        (None, None) => format!("ok        {head}"),
    }
}

fn as_value(finding: &Finding) -> Value {
    let status = match (&finding.trouble, &finding.behind) {
        (Some(trouble), _) if trouble.code == "quarantined" => "quarantined",
        (Some(_), _) => "refused",
        (None, Some(_)) => "behind",
        (None, None) => "ok",
    };
    let trouble = finding.trouble.as_ref();
    json!({
        "library": finding.library, "path": finding.path, "origin": finding.origin, "status": status,
        "code": trouble.map(|trouble| trouble.code), "reason": trouble.map(|trouble| &trouble.reason),
        "cure": trouble.map(|trouble| &trouble.cure), "behind": finding.behind,
    })
}

fn forget(which: &str) -> anyhow::Result<()> {
    let mut cache = ScanCache::load();
    let file = Path::new(which);
    let of_file = if file.is_file() {
        Some(content::sha256(&File::open(file)?).with_context(|| file.display().to_string())?)
    } else {
        None
    };
    let is_meant = |quarantine: &&Quarantine| match &of_file {
        Some(hash) => *hash == quarantine.sha256,
        None => which.len() >= SHORTEST_HASH && quarantine.sha256.starts_with(which),
    };
    let meant: Vec<Quarantine> = cache.quarantined().filter(is_meant).cloned().collect();
    if meant.is_empty() {
        let there: Vec<_> =
            cache.quarantined().map(|known| format!("{} ({})", known.sha256, known.path.display())).collect();
        let there = if there.is_empty() { "nothing".to_owned() } else { there.join(", ") };
        return Err(Usage(format!("`{which}` is not quarantined\n  quarantined is: {there}")).into());
    }
    for quarantine in meant {
        cache.forget(&quarantine.sha256);
        print(&format!("{} is no longer quarantined", quarantine.path.display()));
    }
    cache.save();
    Ok(())
}
