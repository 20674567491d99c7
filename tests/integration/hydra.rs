//! The cases of `host/front/src/config/tests/hydra_cases.jsonl`, composed by this host and by Hydra, one beside the other.
//!
//! Hydra comes from pip into a virtual environment in the target folder, once; where pip cannot fetch it the test says that it was
//! skipped. `RECSYS_PYTHON` names the interpreter, which may have Hydra itself. `RECSYS_HYDRA=1` makes a missing Hydra a failure,
//! `RECSYS_HYDRA=0` leaves the test out.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use host::config::{compose, sweep, ConfigErrors, Request};
use serde_json::{json, Value};

use crate::support::workspace;

/// The releases that the expected results were taken from.
const REQUIREMENTS: [&str; 2] = ["hydra-core==1.3.8", "omegaconf==2.3.1"];
const ENVIRONMENT: [(&str, &str); 5] =
    [("SET", "value"), ("NUM", "12"), ("EMPTY", ""), ("YAML", "{x: 1, y: [a, 2.5]}"), ("LIST", "[1, 2]")];

fn has_hydra(python: &Path) -> bool {
    let probe = Command::new(python).args(["-c", "import hydra, omegaconf"]).env_remove("LD_LIBRARY_PATH").output();
    probe.is_ok_and(|output| output.status.success())
}

/// A Python with Hydra, or why there is none.
fn python_with_hydra() -> Result<PathBuf, String> {
    let python = PathBuf::from(std::env::var("RECSYS_PYTHON").unwrap_or_else(|_| "python3".to_owned()));
    if has_hydra(&python) {
        return Ok(python);
    }
    let venv = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hydra-venv");
    let in_venv = venv.join("bin/python");
    if has_hydra(&in_venv) {
        return Ok(in_venv);
    }
    let run = |program: &Path, arguments: &[&str]| match Command::new(program).args(arguments).output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or("it failed").to_owned()),
        Err(error) => Err(error.to_string()),
    };
    run(&python, &["-m", "venv", &venv.to_string_lossy()])?;
    // Offline this fails at once, and without retries.
    let install =
        ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--timeout", "10", "--retries", "0"];
    run(&in_venv, &[&install[..], &REQUIREMENTS[..]].concat())?;
    Ok(in_venv)
}

fn cases() -> Vec<Value> {
    let text = std::fs::read_to_string(workspace().join("host/front/src/config/tests/hydra_cases.jsonl")).unwrap();
    let mut lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let standard = lines.next().unwrap()["files"].as_object().unwrap().clone();
    let whole = |mut case: Value| {
        if case["tree"] == "std" {
            let files = case["files"].as_object().unwrap().clone();
            case["files"] = standard.clone().into_iter().chain(files).collect::<serde_json::Map<_, _>>().into();
        }
        case
    };
    lines.map(whole).collect()
}

/// The resolved YAML of the config, or of every job of a sweep.
fn ours(case: &Value) -> Result<Vec<String>, ConfigErrors> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in case["files"].as_object().unwrap() {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text.as_str().unwrap()).unwrap();
    }
    let overrides: Vec<String> =
        case["overrides"].as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect();
    let jobs = match case["sweep"] == true {
        true => sweep::read(&overrides, folder.path())?.grid()?,
        false => vec![overrides],
    };
    let job = |(job_num, overrides): (usize, Vec<String>)| {
        let mut request = Request::from_name(folder.path(), case["config"].as_str().unwrap(), overrides)?;
        request.job_num = job_num;
        request.now = "2024-03-05T06:07:08.090[UTC]".parse().unwrap();
        request.env =
            Box::new(|name| ENVIRONMENT.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()));
        Ok(compose(&request)?.to_yaml())
    };
    jobs.into_iter().enumerate().map(job).collect()
}

fn judged_by_hydra(python: &Path, cases: &[Value]) -> Vec<Value> {
    let mut child = Command::new(python)
        .arg(workspace().join("tests/hydra/compose_cases.py"))
        .env_remove("LD_LIBRARY_PATH")
        .env_remove("NOT_SET")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let lines: Vec<String> = cases
        .iter()
        .map(|case| {
            let mut case = case.clone();
            case["ours"] = ours(&case).map_or(Value::Null, |texts| json!(texts));
            format!("{case}\n")
        })
        .collect();
    // The child answers while it reads.
    let writer = std::thread::spawn(move || lines.iter().try_for_each(|line| input.write_all(line.as_bytes())));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn hydra_composes_the_same() {
    let asked_for = std::env::var("RECSYS_HYDRA").unwrap_or_default();
    let python = match asked_for.as_str() {
        "0" => Err("RECSYS_HYDRA=0".to_owned()),
        _ => python_with_hydra(),
    };
    let python = match python {
        Ok(python) => python,
        Err(reason) => {
            assert_ne!(asked_for, "1", "no Hydra: {reason}");
            println!("skipped: no Hydra to compare with: {reason}");
            return;
        }
    };
    let cases = cases();
    let judged = judged_by_hydra(&python, &cases);
    assert_eq!(judged.len(), cases.len());
    let mut wrong = Vec::new();
    for (case, judged) in cases.iter().zip(&judged) {
        let differs = case.get("differs").is_some();
        if judged["equal"] == differs {
            let expected = if differs { "listed as different, but equal" } else { "different" };
            wrong
                .push(format!("{}: {expected}\n  Hydra {}\n  ours  {}", case["name"], judged["hydra"], judged["ours"]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let sweeps = cases.iter().filter(|case| case["sweep"] == true).count();
    let differing: Vec<String> = cases
        .iter()
        .filter_map(|case| Some(format!("  {}: {}", case["name"].as_str()?, case.get("differs")?.as_str()?)))
        .collect();
    println!(
        "{} cases, {sweeps} of them sweeps, equal to Hydra's; {} differ on purpose:",
        cases.len() - differing.len(),
        differing.len()
    );
    println!("{}", differing.join("\n"));
}
