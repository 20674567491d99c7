//! The macro [`crate::export_plugin`]: the last line of a plugin.

/// Exports the constructors of a plugin, with their kinds:
///
/// ```ignore
/// plugin_api::export_plugin!(model: GAT);
///
/// plugin_api::export_plugin! {
///     /// Binary cross entropy of the sigmoid of the score.
///     loss: BCEWithLogitsLoss,
///     /// Bayesian Personalized Ranking.
///     loss: BPRLoss,
/// }
/// ```
///
/// A doc comment documents the constructor in `plugins inspect`; without one, that of its `Params` does. The macro writes the one exported symbol and the identity note. The crate is a `cdylib`; a type's name is the constructor's.
#[macro_export]
macro_rules! export_plugin {
    ($($(#[doc = $doc:literal])* $kind:ident : $constructor:ident),+ $(,)?) => {
        const _: () = {
            struct ThisPlugin;

            impl $crate::abi::module::Plugin for ThisPlugin {
                const NAME: &'static str = env!("CARGO_PKG_NAME");

                fn constructors() -> ::std::vec::Vec<$crate::abi::module::Constructor> {
                    ::std::vec![$(
                        $crate::abi::module::constructor::$kind::<$constructor>(
                            stringify!($constructor),
                            concat!($($doc, "\n"),*),
                        )
                    ),+]
                }
            }

            // The name that abi_stable looks up: its mangling of `lib_header.root module loader`.
            #[unsafe(export_name = "_1as_0lib_1header_0root_bmodule_bloader")]
            static HEADER: $crate::abi::abi_stable::library::LibHeader =
                $crate::abi::module::library_header::<ThisPlugin>();

            const PARTS: &[&str] = &[
                concat!("name=", env!("CARGO_PKG_NAME"), "\nversion=", env!("CARGO_PKG_VERSION"), "\n"),
                $crate::abi::note::API_LINE,
                concat!("authors=", env!("CARGO_PKG_AUTHORS"), "\nlicense=", env!("CARGO_PKG_LICENSE"), "\n"),
                concat!("description=", env!("CARGO_PKG_DESCRIPTION"), "\n"),
                if cfg!(panic = "abort") { "panic=abort\n" } else { "panic=unwind\n" },
                $(concat!(stringify!($kind), "=", stringify!($constructor), "\n")),+
            ];

            #[used]
            #[unsafe(link_section = ".note.recsys-host")]
            static NOTE: $crate::abi::note::Note<{ $crate::abi::note::size(PARTS) }> =
                $crate::abi::note::Note::new(PARTS);
        };
    };
}
