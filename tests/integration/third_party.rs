//! A third party's plugin: a crate outside the workspace that depends on `plugin-api` and `tch` only, trained by the host as it is.
//!
//! The crate is `tests/third-party/`; README's section "Write a plugin" shows the same text.

use std::path::{Path, PathBuf};
use std::process::Command;

use host::artifacts::weights;
use serde_json::Value;

use crate::support::{cargo, host_binary, plugin_dir, shared_cache, workspace, Said, Sandbox};

/// What an author writes; the config comes on top.
const FILES: [&str; 3] = ["Cargo.toml", ".cargo/config.toml", "src/lib.rs"];
const CONFIG: &str = "configs/model/matrix_factorisation.yaml";
const LIBRARY: &str = "libmatrix_factorisation.so";

fn source() -> PathBuf {
    workspace().join("tests/third-party")
}

fn text(path: impl AsRef<Path>) -> String {
    std::fs::read_to_string(path.as_ref()).unwrap_or_else(|error| panic!("{}: {error}", path.as_ref().display()))
}

/// Builds the crate in the sandbox; gives the folder with the library.
fn build(sandbox: &Sandbox) -> PathBuf {
    let here = |name: &str| text(source().join(name)).replace("../recsys-host", workspace().to_str().unwrap());
    for name in FILES {
        sandbox.write(&format!("third-party/{name}"), here(name));
    }
    // The versions and the profile of the workspace: then what both use, such as torch-sys (minutes), is built already.
    sandbox.write("third-party/Cargo.lock", text(workspace().join("Cargo.lock")));
    let manifest = text(workspace().join("Cargo.toml"));
    let profile = sandbox.write("profile.toml", &manifest[manifest.find("[profile.dev]").unwrap()..]);
    let target = sandbox.path("third-party/target");
    let cargo = |arguments: &[&str]| {
        let mut cargo = cargo();
        // Intermediate files are shared with the workspace; the library itself stays out of the folder of its plugins.
        cargo.env("CARGO_BUILD_BUILD_DIR", plugin_dir().parent().unwrap()).env("CARGO_TARGET_DIR", &target);
        cargo.args(arguments).args(["--offline", "--quiet", "--config"]).arg(&profile);
        let status = cargo.current_dir(sandbox.path("third-party")).status();
        assert!(status.unwrap().success(), "cargo {arguments:?}");
    };
    cargo(&["build"]);
    sandbox.write(&format!("plugins/{LIBRARY}"), std::fs::read(target.join("debug").join(LIBRARY)).unwrap());
    // Every sandbox is another path, so what is shared would grow with every run of the tests.
    cargo(&["clean", "--package", "matrix_factorisation"]);
    sandbox.path("plugins")
}

/// The host as it was before the plugin was built, and with the plugin's folder.
struct Host<'a> {
    sandbox: &'a Sandbox,
    binary: PathBuf,
}

impl<'a> Host<'a> {
    fn copied_to(sandbox: &'a Sandbox) -> Self {
        let binary = sandbox.path("recsys-host");
        std::fs::copy(host_binary(), &binary).unwrap();
        Self { sandbox, binary }
    }

    fn run(&self, arguments: &[&str], plugins: &Path) -> Said {
        let mut command = Command::new(&self.binary);
        command.args(arguments).arg("--plugin-dir").arg(plugins).current_dir(self.sandbox.path(""));
        command.env("XDG_CACHE_HOME", shared_cache());
        let output = command.env_remove("RECSYS_PLUGIN_PATH").env_remove("LD_LIBRARY_PATH").output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Said { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    fn does(&self, arguments: &[&str], plugins: &Path) -> String {
        let said = self.run(arguments, plugins);
        assert_eq!(said.code, Some(0), "{}", said.stderr);
        said.stdout
    }
}

#[test]
fn a_third_partys_model_trains_under_a_host_that_was_built_before() {
    let sandbox = Sandbox::new().with_ratings(60, 50);
    let host = Host::copied_to(&sandbox);
    let plugins = build(&sandbox);
    assert!(!plugin_dir().join(LIBRARY).exists(), "`plugins list` would show it to users");

    sandbox.write(CONFIG, text(source().join(CONFIG)));
    let train = ["train", "configs/config.yaml", "model=matrix_factorisation", "seed=3"];
    let settings = ["trainer.params.learning_rate=0.05", "trainer.params.num_epochs=40"];
    let stdout = host.does(&[&train[..], &settings].concat(), &plugins);
    let run = stdout.trim_end();
    it_learns(&sandbox, run);
    its_weights_have_the_authors_names(&sandbox, run);

    let stdout = host.does(&["recommend", run, "--user", "103", "-k", "4", "--json"], &plugins);
    assert_eq!(serde_json::from_str::<Vec<Value>>(&stdout).unwrap().len(), 4);

    sandbox.write(CONFIG, text(source().join(CONFIG)).replace("dim:", "dims:"));
    let said = host.run(&train, &plugins);
    said.is_error(2, &["matrix_factorisation:MatrixFactorisation", "`dims`", "dim", "matrix_factorisation.yaml:3"]);
}

fn it_learns(sandbox: &Sandbox, run: &str) {
    let losses: Vec<_> = sandbox.metrics(run).iter().map(|epoch| epoch["train_loss"].as_f64().unwrap()).collect();
    assert!(losses[losses.len() - 1] < 0.8 * losses[0], "{losses:?}");
    let auc = sandbox.json(&format!("{run}/result.json"))["metrics"]["test.auc"].as_f64().unwrap();
    assert!(auc > 0.65, "test.auc {auc}");
}

fn its_weights_have_the_authors_names(sandbox: &Sandbox, run: &str) {
    let saved = weights::read(&sandbox.path(run).join("model.safetensors")).unwrap();
    let mut widths: Vec<_> = saved.iter().map(|(name, tensor)| (name.as_str(), tensor.size()[1])).collect();
    widths.sort_unstable();
    let (bias, factors) = (1, 16);
    assert_eq!(
        widths,
        [
            ("item_bias.weight", bias),
            ("item_factors.weight", factors),
            ("user_bias.weight", bias),
            ("user_factors.weight", factors)
        ]
    );
}

#[test]
fn the_crate_is_under_60_lines_and_stands_in_the_readme() {
    let files = FILES.map(|name| text(source().join(name)));
    let n_lines: usize = files.iter().map(|file| file.lines().count()).sum();
    assert!(n_lines < 60, "{n_lines} lines");
    let readme = text(workspace().join("README.md"));
    for file in &files {
        assert!(readme.contains(file.trim_end()), "README.md does not show:\n{file}");
    }
}
