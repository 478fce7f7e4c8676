//! Several arguments at once, each taken from the same message.

use super::{FromMessage, Given, RouteCheck};
use crate::error::Error;
use crate::message::Message;

macro_rules! tuples {
    ($(($($argument:ident),*))*) => {$(
        impl<$($argument: FromMessage),*> FromMessage for ($($argument,)*) {
            #[allow(unused_variables, reason = "no arguments look at nothing")]
            fn check(route: &mut RouteCheck<'_>) {
                $($argument::check(route);)*
            }

            #[allow(unused_variables, reason = "no arguments take nothing")]
            fn from_message(message: &Message, given: &Given) -> Result<Self, Error> {
                Ok(($($argument::from_message(message, given)?,)*))
            }
        }
    )*};
}

tuples! {
    () (A1) (A1, A2) (A1, A2, A3) (A1, A2, A3, A4) (A1, A2, A3, A4, A5)
    (A1, A2, A3, A4, A5, A6) (A1, A2, A3, A4, A5, A6, A7) (A1, A2, A3, A4, A5, A6, A7, A8)
}
