//! Several arguments at once, each taken from the same message.

use super::{Binding, FromMessage};
use crate::error::Error;
use crate::message::Message;
use crate::setting::Mistake;

macro_rules! tuples {
    ($(($($argument:ident),*))*) => {$(
        impl<$($argument: FromMessage),*> FromMessage for ($($argument,)*) {
            #[allow(unused_variables, reason = "no arguments bind nothing")]
            fn bind(binding: &mut Binding, mistakes: &mut Vec<Mistake>) {
                $($argument::bind(binding, mistakes);)*
            }

            #[allow(unused_variables, reason = "no arguments take nothing")]
            fn from_message(message: &Message, binding: &Binding) -> Result<Self, Error> {
                Ok(($($argument::from_message(message, binding)?,)*))
            }
        }
    )*};
}

tuples! {
    () (A1) (A1, A2) (A1, A2, A3) (A1, A2, A3, A4) (A1, A2, A3, A4, A5)
    (A1, A2, A3, A4, A5, A6) (A1, A2, A3, A4, A5, A6, A7) (A1, A2, A3, A4, A5, A6, A7, A8)
}
