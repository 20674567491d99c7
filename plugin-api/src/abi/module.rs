//! The root module: the one symbol of a plugin, and how its constructors are found by name.

#[cfg(test)]
pub mod v1_0;

use abi_stable::abi_stability::abi_checking::exported_check_layout_compatibility;
use abi_stable::library::{CheckTypeLayout, LibHeader, RootModule, RootModuleResult};
use abi_stable::package_version_strings;
use abi_stable::prefix_type::PrefixTypeTrait;
use abi_stable::sabi_types::VersionStrings;
use abi_stable::std_types::{RBoxError, RStr, RVec};
use abi_stable::type_layout::TypeLayout;
use abi_stable::StableAbi;

use crate::abi::data_loader::DataLoaderObject;
use crate::abi::evaluator::EvaluatorObject;
use crate::abi::guard::guarded;
use crate::abi::host::HostObject;
use crate::abi::logger::{self, LogSink};
use crate::abi::loss::LossObject;
use crate::abi::model::ModelObject;
use crate::abi::profile::{self, SpanSink};
use crate::abi::trainer::TrainerObject;
use crate::abi::types::{from_wire, to_wire, AbiRecord, AbiResult};
use crate::context::Context;
use crate::error::{PluginError, Result};
use crate::graph::GraphMetadata;
use crate::kind::ComponentKind;
use crate::record::Record;
use crate::{DataLoader, Evaluator, Loss, Model, Trainer};

/// The vtable of a library. Fields are only ever added after the last one.
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
    /// Since API 1.1: where the spans of the library go.
    #[sabi(missing_field(option))]
    pub record_spans: extern "C" fn(SpanSink),
}

impl RootModule for PluginModuleRef {
    abi_stable::declare_root_module_statics! {PluginModuleRef}
    const BASE_NAME: &'static str = "recsys_plugin";
    const NAME: &'static str = "recsys_plugin";
    const VERSION_STRINGS: VersionStrings = package_version_strings!();
}

/// What [`crate::export_plugin!`] implements.
pub trait Plugin: 'static {
    /// The name of the library in configs.
    const NAME: &'static str;
    fn constructors() -> Vec<Constructor>;
}

/// An exported type.
pub struct Constructor {
    name: &'static str,
    doc: &'static str,
    schema: fn() -> serde_json::Value,
    make: Make,
}

/// How it is made; a variant a kind.
enum Make {
    DataLoader(fn(String, &str, Context) -> Result<DataLoaderObject>),
    Model { make: fn(String, &str, GraphMetadata, Context) -> Result<ModelObject>, needs_graph: bool },
    Loss(fn(String, &str, Context) -> Result<LossObject>),
    Trainer { make: fn(String, &str, Context) -> Result<TrainerObject>, passes_graph: bool },
    Evaluator(fn(String, &str, Context) -> Result<EvaluatorObject>),
}

/// One function a kind, named as the kind: what `export_plugin!(model: GAT)` calls.
pub mod constructor {
    use super::*;

    pub fn data_loader<L: DataLoader>(name: &'static str, doc: &'static str) -> Constructor {
        Constructor { name, doc, schema: schema::<L::Params>, make: Make::DataLoader(DataLoaderObject::construct::<L>) }
    }

    pub fn model<M: Model>(name: &'static str, doc: &'static str) -> Constructor {
        let make = Make::Model { make: ModelObject::construct::<M>, needs_graph: M::NEEDS_GRAPH };
        Constructor { name, doc, schema: schema::<M::Params>, make }
    }

    pub fn loss<L: Loss>(name: &'static str, doc: &'static str) -> Constructor {
        Constructor { name, doc, schema: schema::<L::Params>, make: Make::Loss(LossObject::construct::<L>) }
    }

    pub fn trainer<T: Trainer>(name: &'static str, doc: &'static str) -> Constructor {
        let make = Make::Trainer { make: TrainerObject::construct::<T>, passes_graph: T::PASSES_GRAPH };
        Constructor { name, doc, schema: schema::<T::Params>, make }
    }

    pub fn evaluator<E: Evaluator>(name: &'static str, doc: &'static str) -> Constructor {
        Constructor { name, doc, schema: schema::<E::Params>, make: Make::Evaluator(EvaluatorObject::construct::<E>) }
    }

    fn schema<P: crate::params::Parameters>() -> serde_json::Value {
        crate::params::schema::<P>()
    }
}

impl Constructor {
    fn kind(&self) -> ComponentKind {
        match self.make {
            Make::DataLoader(_) => ComponentKind::DataLoader,
            Make::Model { .. } => ComponentKind::Model,
            Make::Loss(_) => ComponentKind::Loss,
            Make::Trainer { .. } => ComponentKind::Trainer,
            Make::Evaluator(_) => ComponentKind::Evaluator,
        }
    }

    fn describe(&self) -> Record {
        let mut record = Record::default();
        record.set_text("name", self.name);
        record.set_text("kind", self.kind());
        let schema = (self.schema)();
        let doc = match self.doc.trim() {
            "" => schema.get("description").and_then(serde_json::Value::as_str).unwrap_or_default(),
            doc => doc,
        };
        record.set_text("doc", doc);
        record.set_text("schema", &schema);
        match self.make {
            Make::Model { needs_graph, .. } => record.set_text("needs_graph", needs_graph),
            Make::Trainer { passes_graph, .. } => record.set_text("passes_graph", passes_graph),
            Make::DataLoader(_) | Make::Loss(_) | Make::Evaluator(_) => {}
        }
        record
    }
}

/// Opens the name, the parameters and the host for one construction; the panic guard is inside each `construct`.
fn construct<P: Plugin, R>(
    kind: ComponentKind,
    name: RStr<'_>,
    host: HostObject,
    make: impl FnOnce(&Constructor, String, Context) -> Option<Result<R>>,
) -> AbiResult<R> {
    let component = format!("{}:{name}", P::NAME);
    let missing = || PluginError::failed(format!("it exports no {kind} of this name"));
    let made = guarded(&component, || {
        let constructors = P::constructors();
        let found = constructors.iter().find(|constructor| constructor.name == name.as_str()).ok_or_else(missing)?;
        make(found, component.clone(), Context::new(host)?).unwrap_or_else(|| Err(missing()))
    });
    to_wire(made)
}

extern "C" fn initialise(sink: LogSink, max_level: u32) {
    logger::install(sink, max_level);
}

extern "C" fn record_spans<P: Plugin>(sink: SpanSink) {
    profile::install(sink, P::NAME);
}

extern "C" fn describe<P: Plugin>() -> AbiResult<RVec<AbiRecord>> {
    let described =
        guarded(P::NAME, || Ok(P::constructors().iter().map(|constructor| constructor.describe().into()).collect()));
    to_wire(described)
}

extern "C" fn new_data_loader<P: Plugin>(
    name: RStr<'_>,
    params: RStr<'_>,
    host: HostObject,
) -> AbiResult<DataLoaderObject> {
    construct::<P, _>(ComponentKind::DataLoader, name, host, |constructor, component, context| match constructor.make {
        Make::DataLoader(make) => Some(make(component, params.as_str(), context)),
        Make::Model { .. } | Make::Loss(_) | Make::Trainer { .. } | Make::Evaluator(_) => None,
    })
}

extern "C" fn new_model<P: Plugin>(
    name: RStr<'_>,
    params: RStr<'_>,
    host: HostObject,
    metadata: &AbiRecord,
) -> AbiResult<ModelObject> {
    construct::<P, _>(ComponentKind::Model, name, host, |constructor, component, context| match constructor.make {
        Make::Model { make, .. } => Some(
            GraphMetadata::from_record(&Record::from(metadata))
                .and_then(|metadata| make(component, params.as_str(), metadata, context)),
        ),
        Make::DataLoader(_) | Make::Loss(_) | Make::Trainer { .. } | Make::Evaluator(_) => None,
    })
}

extern "C" fn new_loss<P: Plugin>(name: RStr<'_>, params: RStr<'_>, host: HostObject) -> AbiResult<LossObject> {
    construct::<P, _>(ComponentKind::Loss, name, host, |constructor, component, context| match constructor.make {
        Make::Loss(make) => Some(make(component, params.as_str(), context)),
        Make::DataLoader(_) | Make::Model { .. } | Make::Trainer { .. } | Make::Evaluator(_) => None,
    })
}

extern "C" fn new_evaluator<P: Plugin>(
    name: RStr<'_>,
    params: RStr<'_>,
    host: HostObject,
) -> AbiResult<EvaluatorObject> {
    construct::<P, _>(ComponentKind::Evaluator, name, host, |constructor, component, context| match constructor.make {
        Make::Evaluator(make) => Some(make(component, params.as_str(), context)),
        Make::DataLoader(_) | Make::Model { .. } | Make::Loss(_) | Make::Trainer { .. } => None,
    })
}

extern "C" fn new_trainer<P: Plugin>(name: RStr<'_>, params: RStr<'_>, host: HostObject) -> AbiResult<TrainerObject> {
    construct::<P, _>(ComponentKind::Trainer, name, host, |constructor, component, context| match constructor.make {
        Make::Trainer { make, .. } => Some(make(component, params.as_str(), context)),
        Make::DataLoader(_) | Make::Model { .. } | Make::Loss(_) | Make::Evaluator(_) => None,
    })
}

extern "C" fn load<P: Plugin>() -> RootModuleResult {
    abi_stable::library::__call_root_module_loader(|| {
        let module = PluginModule {
            initialise,
            describe: describe::<P>,
            new_data_loader: new_data_loader::<P>,
            new_model: new_model::<P>,
            new_loss: new_loss::<P>,
            new_evaluator: new_evaluator::<P>,
            new_trainer: new_trainer::<P>,
            record_spans: record_spans::<P>,
        };
        module.leak_into_prefix()
    })
}

/// The value of the exported symbol.
pub const fn library_header<P: Plugin>() -> LibHeader {
    // SAFETY: `load` gives a `PluginModuleRef` erased by abi_stable itself, as the function demands.
    unsafe { LibHeader::from_constructor::<PluginModuleRef>(load::<P>, CheckTypeLayout::Yes) }
}

/// Whether the types of two versions of the contract fit: those of the older one are the beginning of those of the newer one.
///
/// abi_stable's own check lets the library have more fields than the host, never fewer, so that every host would refuse the
/// libraries of former versions. What it compares is the same from either side: an accessor looks whether its field is there.
fn check_layout(ours: &'static TypeLayout, theirs: &'static TypeLayout) -> Result<(), RBoxError> {
    let older_first = |older, newer| exported_check_layout_compatibility(older, newer).into_result();
    older_first(ours, theirs).or_else(|error| older_first(theirs, ours).map_err(|_| error))
}

/// An open library, as the host calls it.
#[derive(Clone, Copy)]
pub struct PluginLibrary(PluginModuleRef);

impl PluginLibrary {
    /// Checks the layout of every type that crosses and initialises the library.
    ///
    /// # Errors
    /// If the library was built against an incompatible layout.
    pub fn from_path(path: &std::path::Path, sink: LogSink, max_level: u32) -> Result<Self> {
        let header = abi_stable::library::lib_header_from_path(path)?;
        let theirs = header.layout().ok_or_else(|| PluginError::failed("it was exported without its layout"))?;
        check_layout(PluginModuleRef::LAYOUT, theirs)?;
        // SAFETY: the layout has just been checked.
        let module = unsafe { header.init_root_module_with_unchecked_layout::<PluginModuleRef>() }?;
        module.initialise()(sink, max_level);
        Ok(Self(module))
    }

    /// Sends the spans of the library to `sink`; gives whether it can. A library built before API 1.1 records none.
    pub fn record_spans(&self, sink: SpanSink) -> bool {
        let install = self.0.record_spans();
        install.inspect(|install| install(sink)).is_some()
    }

    /// A record a constructor: texts `name`, `kind`, `doc`, `schema` (JSON Schema of its parameters), `needs_graph` of models,
    /// `passes_graph` of trainers.
    ///
    /// # Errors
    /// If the plugin panics.
    pub fn describe(&self) -> Result<Vec<Record>> {
        Ok(from_wire(self.0.describe()())?.iter().map(Record::from).collect())
    }

    pub fn new_data_loader(&self, name: &str, params: &str, host: HostObject) -> Result<DataLoaderObject> {
        from_wire(self.0.new_data_loader()(name.into(), params.into(), host))
    }

    pub fn new_model(
        &self,
        name: &str,
        params: &str,
        host: HostObject,
        metadata: &GraphMetadata,
    ) -> Result<ModelObject> {
        from_wire(self.0.new_model()(name.into(), params.into(), host, &metadata.to_record().into()))
    }

    pub fn new_loss(&self, name: &str, params: &str, host: HostObject) -> Result<LossObject> {
        from_wire(self.0.new_loss()(name.into(), params.into(), host))
    }

    pub fn new_evaluator(&self, name: &str, params: &str, host: HostObject) -> Result<EvaluatorObject> {
        from_wire(self.0.new_evaluator()(name.into(), params.into(), host))
    }

    pub fn new_trainer(&self, name: &str, params: &str, host: HostObject) -> Result<TrainerObject> {
        from_wire(self.0.new_trainer()(name.into(), params.into(), host))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Empty;

    impl Plugin for Empty {
        const NAME: &'static str = "empty";

        fn constructors() -> Vec<Constructor> {
            Vec::new()
        }
    }

    #[test]
    fn a_library_of_api_1_0_fits_and_records_no_spans() {
        check_layout(PluginModuleRef::LAYOUT, v1_0::PluginModuleRef::LAYOUT).unwrap();
        check_layout(v1_0::PluginModuleRef::LAYOUT, PluginModuleRef::LAYOUT).unwrap();
        check_layout(PluginModuleRef::LAYOUT, LogSink::LAYOUT).unwrap_err();
        let old = v1_0::PluginModule {
            initialise,
            describe: describe::<Empty>,
            new_data_loader: new_data_loader::<Empty>,
            new_model: new_model::<Empty>,
            new_loss: new_loss::<Empty>,
            new_evaluator: new_evaluator::<Empty>,
            new_trainer: new_trainer::<Empty>,
        };
        // SAFETY: the layouts were just found compatible, which is what opening a library relies on.
        let module = PluginModuleRef(unsafe { old.leak_into_prefix().0.cast() });
        struct Deaf;
        impl profile::Recorder for Deaf {
            fn enter(_: &'static str, _: &'static str) -> u64 {
                0
            }
            fn exit(_: u64) {}
        }
        assert!(!PluginLibrary(module).record_spans(SpanSink::new::<Deaf>()));
        assert!(PluginLibrary(module).describe().unwrap().is_empty());
    }
}
