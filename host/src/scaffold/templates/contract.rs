//! What every host may ask of a plugin: `recsys-host plugins check` on the library that this test was built with.
//!
//! `RECSYS_HOST` names another host than the one on the PATH.

plugin_api::contract_test!();
