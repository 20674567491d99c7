//! The data loader's twin.

use abi_stable::std_types::{RBox, ROption, RString};
use abi_stable::{sabi_trait, StableAbi};

use crate::abi::guard::Guarded;
use crate::abi::types::{from_wire, AbiRecord, AbiResult};
use crate::context::Context;
use crate::data_loader::DataLoader;
use crate::dataset::{Catalog, LinkSplits};
use crate::error::Result;
use crate::graph::Graph;
use crate::record::Record;

#[sabi_trait]
pub trait AbiDataLoader: Send {
    fn prepare(&mut self, force: bool) -> AbiResult<RString>;
    fn get_data(&mut self) -> AbiResult<AbiRecord>;
    fn get_train_val_test_data(&mut self) -> AbiResult<AbiRecord>;
    fn catalog(&mut self) -> AbiResult<AbiRecord>;
    #[sabi(last_prefix_field)]
    fn fingerprint(&self) -> AbiResult<ROption<RString>>;
}

struct Adapter<L> {
    loader: Guarded<L>,
    context: Context,
}

impl<L: DataLoader> AbiDataLoader for Adapter<L> {
    fn prepare(&mut self, force: bool) -> AbiResult<RString> {
        self.loader.call_mut(|loader| Ok(loader.prepare(force, &self.context)?.into()))
    }

    fn get_data(&mut self) -> AbiResult<AbiRecord> {
        self.loader.call_mut(|loader| {
            let graph = loader.get_data(&self.context)?;
            graph.validate()?;
            let mut record = Record::default();
            graph.write_nodes(&mut record);
            graph.write_edges(&mut record, "");
            Ok(record.into())
        })
    }

    fn get_train_val_test_data(&mut self) -> AbiResult<AbiRecord> {
        self.loader.call_mut(|loader| {
            let splits = loader.get_train_val_test_data(&self.context)?;
            splits.validate()?;
            Ok(splits.to_record().into())
        })
    }

    fn catalog(&mut self) -> AbiResult<AbiRecord> {
        self.loader.call_mut(|loader| {
            let mut record = Record::default();
            loader.catalog(&self.context)?.write(&mut record);
            Ok(record.into())
        })
    }

    fn fingerprint(&self) -> AbiResult<ROption<RString>> {
        self.loader.call(|loader| Ok(loader.fingerprint().map(RString::from).into()))
    }
}

/// A data loader of any library.
#[repr(transparent)]
#[derive(StableAbi)]
pub struct DataLoaderObject(AbiDataLoader_TO<'static, RBox<()>>);

impl DataLoaderObject {
    /// Constructs an author's loader behind the ABI.
    ///
    /// # Errors
    /// Whatever its constructor says, or [`crate::error::ErrorKind::Panicked`].
    pub fn construct<L: DataLoader>(component: String, params: &str, context: Context) -> Result<Self> {
        let loader = Guarded::construct(component, || L::new(crate::params::parse(params)?, &context))?;
        Ok(Self(AbiDataLoader_TO::from_value(Adapter { loader, context }, sabi_trait::TD_Opaque)))
    }

    /// A loader that was made already, such as the host's end of one in another process.
    pub fn of<L: DataLoader>(component: String, loader: L, context: Context) -> Self {
        let loader = Guarded::new(component, loader);
        Self(AbiDataLoader_TO::from_value(Adapter { loader, context }, sabi_trait::TD_Opaque))
    }

    /// See [`DataLoader::prepare`].
    pub fn prepare(&mut self, force: bool) -> Result<String> {
        from_wire(self.0.prepare(force)).map(String::from)
    }

    /// See [`DataLoader::get_data`].
    pub fn get_data(&mut self) -> Result<Graph> {
        Graph::read(&Record::from(&from_wire(self.0.get_data())?), "")
    }

    /// See [`DataLoader::get_train_val_test_data`].
    pub fn get_train_val_test_data(&mut self) -> Result<LinkSplits> {
        LinkSplits::from_record(&Record::from(&from_wire(self.0.get_train_val_test_data())?))
    }

    /// See [`DataLoader::catalog`].
    pub fn catalog(&mut self) -> Result<Catalog> {
        Ok(Catalog::read(&Record::from(&from_wire(self.0.catalog())?)))
    }

    /// See [`DataLoader::fingerprint`].
    pub fn fingerprint(&self) -> Result<Option<String>> {
        Ok(from_wire(self.0.fingerprint())?.into_option().map(String::from))
    }
}
