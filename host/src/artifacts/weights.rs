//! Weights as safetensors under PyTorch `state_dict` names: to Python and back with no conversion.

use std::collections::BTreeMap;
use std::path::Path;

use tch::{no_grad, Device, TchError, Tensor};

use super::{write_whole, ArtifactError};

/// Named tensors, as a model lists them.
pub type Weights = Vec<(String, Tensor)>;

/// Writes them whole or not at all.
pub fn save(path: &Path, weights: &Weights) -> Result<(), ArtifactError> {
    let on_cpu = |(name, tensor): &(String, Tensor)| -> Result<_, ArtifactError> {
        let on_cpu = tensor.f_detach().and_then(|tensor| tensor.f_to_device(Device::Cpu)?.f_contiguous());
        let tensor = on_cpu.map_err(|error| ArtifactError::new(path, format!("`{name}` cannot be saved: {error}")))?;
        Ok((name.clone(), tensor))
    };
    let on_cpu: Vec<_> = weights.iter().map(on_cpu).collect::<Result<_, _>>()?;
    write_whole(path, |staged| Tensor::write_safetensors(&on_cpu, staged).map_err(cause))
}

/// Reads them.
pub fn read(path: &Path) -> Result<Weights, ArtifactError> {
    Tensor::read_safetensors(path).map_err(|error| ArtifactError::new(path, cause(error)))
}

/// tch puts the path before it, that of the temporary copy, and shows the rest as its source code would.
fn cause(error: TchError) -> String {
    let TchError::SafeTensorError { err, .. } = error else { return error.to_string() };
    let text = err.to_string();
    match text.split_once("message: \"").and_then(|(_, message)| message.split_once('"')) {
        Some((message, _)) => message.to_owned(),
        None => format!("no whole safetensors file ({text})"),
    }
}

/// Copies the weights of a file into a model's; names and shapes must be the same, and every fault is told.
pub fn load_into(path: &Path, parameters: &mut Weights) -> Result<(), ArtifactError> {
    let file: BTreeMap<_, _> = read(path)?.into_iter().collect();
    let faults = misfits(&file, parameters);
    if !faults.is_empty() {
        return Err(ArtifactError::new(path, format!("the weights do not fit the model:\n  {}", faults.join("\n  "))));
    }
    no_grad(|| {
        for (name, parameter) in parameters {
            parameter.f_copy_(&file[name]).map_err(|error| ArtifactError::new(path, format!("{name}: {error}")))?;
        }
        Ok(())
    })
}

fn misfits(file: &BTreeMap<String, Tensor>, parameters: &Weights) -> Vec<String> {
    let (mut absent, mut shapes) = (Vec::new(), Vec::new());
    for (name, parameter) in parameters {
        match file.get(name) {
            None => absent.push(format!("`{name}` of the model is not in the file")),
            Some(tensor) if tensor.size() != parameter.size() => {
                shapes.push(format!(
                    "`{name}` is {:?} in the file, {:?} in the model",
                    tensor.size(),
                    parameter.size()
                ));
            }
            Some(_) => {}
        }
    }
    let unknown = file.keys().filter(|name| parameters.iter().all(|(known, _)| known != *name));
    let unknown = unknown.map(|name| format!("`{name}` of the file is not in the model")).collect();
    [absent, unknown, shapes].into_iter().flat_map(first_few).collect()
}

/// Weights of another model differ in all names; the first few of a sort tell enough.
fn first_few(mut faults: Vec<String>) -> Vec<String> {
    const SHOWN: usize = 8;
    if faults.len() > SHOWN + 1 {
        let more = faults.len() - SHOWN;
        faults.truncate(SHOWN);
        faults.push(format!("... and {more} more such"));
    }
    faults
}
