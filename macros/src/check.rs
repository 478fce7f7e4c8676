//! The checks that the attribute adds to a function. Each has the span of the part that it checks.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Error, FnArg, GenericParam, ItemFn, ReturnType, Signature, Type, parse2};

/// A consumer takes at most this many arguments.
const ARGUMENTS_MAX: usize = 8;

/// The function as it was written, and the checks.
pub(crate) fn consumer(attribute: &TokenStream, item: &TokenStream) -> TokenStream {
    let Ok(function) = parse2::<ItemFn>(item.clone()) else {
        return with_error(item, &Error::new(Span::call_site(), NOT_A_FUNCTION));
    };
    if let Err(error) = refuse_shape(attribute, &function.sig) {
        return with_error(item, &error);
    }
    let checks = checks(&function.sig);
    quote! { #item #checks }
}

const NOT_A_FUNCTION: &str = "#[waterway::consumer] belongs on an `async fn`; a type that \
    implements `SocketConsumer` needs no attribute";

/// The item stays, so that the compiler does not also complain that it is missing.
fn with_error(item: &TokenStream, error: &Error) -> TokenStream {
    let error = error.to_compile_error();
    quote! { #item #error }
}

/// Refuses a function that cannot be a consumer whatever its types are.
fn refuse_shape(attribute: &TokenStream, signature: &Signature) -> Result<(), Error> {
    if !attribute.is_empty() {
        return Err(Error::new_spanned(attribute, "#[waterway::consumer] takes no arguments"));
    }
    if let Some(receiver) = signature.receiver() {
        let message = "a consumer is a function and not a method: take shared values as \
            `State<T>`, or implement `SocketConsumer` to keep values for one connection";
        return Err(Error::new_spanned(receiver, message));
    }
    if signature.asyncness.is_none() {
        let message = "a consumer is an `async fn`: write `async` before `fn`";
        return Err(Error::new_spanned(signature.fn_token, message));
    }
    if let Some(unsafety) = signature.unsafety {
        return Err(Error::new_spanned(unsafety, "a consumer cannot be `unsafe`"));
    }
    if let Some(parameter) = signature.generics.params.first() {
        let message = match parameter {
            GenericParam::Lifetime(_) => "a consumer owns its arguments: it outlives the message",
            _ => "a consumer cannot be generic: a routing table names one function",
        };
        return Err(Error::new_spanned(parameter, message));
    }
    if let Some(argument) = signature.inputs.iter().nth(ARGUMENTS_MAX) {
        let message = format!(
            "a consumer takes at most {ARGUMENTS_MAX} arguments: take `Message`, which has all \
             of the event"
        );
        return Err(Error::new_spanned(argument, message));
    }
    Ok(())
}

/// Functions that are never called: each compiles only if one demand is met.
fn checks(signature: &Signature) -> TokenStream {
    let name = &signature.ident;
    let types: Vec<&Type> = signature
        .inputs
        .iter()
        .filter_map(|argument| match argument {
            FnArg::Typed(argument) => Some(&*argument.ty),
            FnArg::Receiver(_) => None,
        })
        .collect();
    let arguments = types.iter().enumerate().map(|(index, argument)| {
        let check = format_ident!("check_argument_{index}");
        quote_spanned! { argument.span() =>
            fn #check() {
                fn is_argument<T: ::waterway::FromMessage + ::core::marker::Send>() {}
                is_argument::<#argument>();
            }
        }
    });
    let result = match &signature.output {
        ReturnType::Default => TokenStream::new(),
        ReturnType::Type(_, result) => quote_spanned! { result.span() =>
            fn check_result() {
                fn is_result<T: ::waterway::IntoReply>() {}
                is_result::<#result>();
            }
        },
    };
    let values = types.iter().map(|argument| {
        quote_spanned! { argument.span() => argument::<#argument>() }
    });
    let future = quote_spanned! { name.span() =>
        fn check_future() {
            fn argument<T>() -> T {
                ::core::unreachable!()
            }
            fn is_send<T: ::core::marker::Send>(_: T) {}
            is_send(#name(#(#values),*));
        }
    };
    quote! {
        #[doc(hidden)]
        #[allow(warnings, clippy::all, clippy::pedantic)]
        const _: () = {
            #(#arguments)*
            #result
            #future
        };
    }
}
