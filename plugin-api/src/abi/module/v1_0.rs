//! The root module as API 1.0 had it, for the test that libraries built for it still fit.

use abi_stable::std_types::{RStr, RVec};
use abi_stable::StableAbi;

use crate::abi::data_loader::DataLoaderObject;
use crate::abi::evaluator::EvaluatorObject;
use crate::abi::host::HostObject;
use crate::abi::logger::LogSink;
use crate::abi::loss::LossObject;
use crate::abi::model::ModelObject;
use crate::abi::trainer::TrainerObject;
use crate::abi::types::{AbiRecord, AbiResult};

#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = PluginModuleRef)))]
#[sabi(missing_field(panic))]
pub struct PluginModule {
    pub initialise: extern "C" fn(LogSink, u32),
    pub describe: extern "C" fn() -> AbiResult<RVec<AbiRecord>>,
    pub new_data_loader: extern "C" fn(RStr<'_>, RStr<'_>, HostObject) -> AbiResult<DataLoaderObject>,
    pub new_model: extern "C" fn(RStr<'_>, RStr<'_>, HostObject, &AbiRecord) -> AbiResult<ModelObject>,
    pub new_loss: extern "C" fn(RStr<'_>, RStr<'_>, HostObject) -> AbiResult<LossObject>,
    pub new_evaluator: extern "C" fn(RStr<'_>, RStr<'_>, HostObject) -> AbiResult<EvaluatorObject>,
    #[sabi(last_prefix_field)]
    pub new_trainer: extern "C" fn(RStr<'_>, RStr<'_>, HostObject) -> AbiResult<TrainerObject>,
}
