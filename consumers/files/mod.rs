//! Files of a folder as answers to requests: shared by `media` and `static`.

mod answer;
mod conditions;
mod open;

pub(crate) use answer::{answer, method_not_allowed, set};
pub(crate) use conditions::Validators;
pub use open::Links;
pub(crate) use open::{is_of_the_name, is_plain, open};
