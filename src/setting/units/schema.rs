//! The JSON schemas of times, sizes and rates.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

use super::{Rate, SIZE_UNITS, Size, TIME_UNITS, Time};

/// A whole number and one of these units.
fn pattern(units: &[(&str, u64)]) -> String {
    let names: Vec<&str> = units.iter().map(|(name, _)| *name).collect();
    format!("^[0-9]+({})$", names.join("|"))
}

macro_rules! json_schemas {
    ($($type:ident: $pattern:expr;)*) => {$(
        impl JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "pattern": $pattern })
            }
        }

        /// As it is written in the table.
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self as &dyn fmt::Display)
            }
        }
    )*};
}

json_schemas! {
    Time: pattern(&TIME_UNITS);
    Size: pattern(&SIZE_UNITS);
    Rate: "^(off|0*[1-9][0-9]*/[smhd])$";
}
