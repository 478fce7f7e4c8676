//! A kind of store that a program knows besides the folder: how its options are read.

use std::sync::Arc;

use schemars::Schema;

use super::TransitStore;
use crate::setting::schema::schema_of;
use crate::setting::{ConsumerOptions, Diagnostic, SpannedValue, read};

/// A kind of store. Clones are the same kind.
#[derive(Clone)]
pub(crate) struct StoreKind {
    make: Arc<Make>,
    schema: fn() -> Schema,
}

type Make =
    dyn Fn(&SpannedValue, &mut Vec<Diagnostic>) -> Option<Arc<dyn TransitStore>> + Send + Sync;

impl StoreKind {
    /// The kind whose stores this function makes of their options. Its error has the way out on the
    /// second line.
    pub(crate) fn of<O: ConsumerOptions>(
        make: fn(O) -> Result<Arc<dyn TransitStore>, String>,
    ) -> Self {
        let make = move |written: &SpannedValue, diagnostics: &mut Vec<Diagnostic>| {
            let options: O = read(written, diagnostics)?;
            make(options)
                .map_err(|error| diagnostics.push(Diagnostic::of_text(written.span, &error)))
                .ok()
        };
        Self { make: Arc::new(make), schema: schema_of::<O> }
    }

    /// Makes the store, or reports why its options do not work.
    pub(crate) fn make(
        &self,
        written: &SpannedValue,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Option<Arc<dyn TransitStore>> {
        (self.make)(written, diagnostics)
    }

    /// The schema of its options.
    pub(crate) fn schema(&self) -> Schema {
        (self.schema)()
    }
}
