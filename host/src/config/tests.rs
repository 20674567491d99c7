//! Tests of whole compositions; small pure functions are tested at the foot of their own files.

mod experiment_cases;
mod hydra;
mod messages;
mod random;
mod round_trip;

use std::path::Path;

use super::{compose, Config, ConfigErrors, Request};

/// Writes files into a fresh folder.
fn tree<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

/// A request with a fixed time and some environment variables.
fn request(folder: &Path, name: &str, overrides: &[&str]) -> Result<Request, ConfigErrors> {
    let overrides = overrides.iter().map(|text| (*text).to_owned()).collect();
    let mut request = Request::from_name(folder, name, overrides)?;
    request.now = "2024-03-05T06:07:08.090[UTC]".parse().unwrap();
    request.env = Box::new(|name| {
        let known =
            [("SET", "value"), ("NUM", "12"), ("EMPTY", ""), ("YAML", "{x: 1, y: [a, 2.5]}"), ("LIST", "[1, 2]")];
        known.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    });
    Ok(request)
}

fn compose_in(folder: &Path, name: &str, overrides: &[&str]) -> Result<Config, ConfigErrors> {
    compose(&request(folder, name, overrides)?)
}

fn compose_text(text: &str, overrides: &[&str]) -> Result<Config, ConfigErrors> {
    let folder = tree([("config.yaml", text)]);
    compose_in(folder.path(), "config", overrides)
}

/// The message, with the folder's name taken out.
fn message<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>, overrides: &[&str]) -> String {
    let folder = tree(files);
    let error = compose_in(folder.path(), "config", overrides).unwrap_err();
    error
        .to_string()
        .replace(&format!("{}/", folder.path().display()), "")
        .replace(&folder.path().display().to_string(), ".")
}
