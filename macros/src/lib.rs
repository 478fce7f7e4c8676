//! The attribute `#[waterway::consumer]`, with which the compiler explains a wrong consumer.

mod check;

use proc_macro::TokenStream;

/// Lets the compiler name the argument, the result or the value without `Send` that keeps a
/// function from being a consumer.
///
/// Without the attribute, the compiler complains where the function is listed in a `Registry`,
/// and can only say that it is not a consumer. The attribute changes neither the function nor the
/// program: it adds checks that are never run.
///
/// ```
/// use waterway::Text;
///
/// #[waterway::consumer]
/// async fn shout(Text(text): Text) -> String {
///     text.to_uppercase()
/// }
/// ```
///
/// # Errors
/// The compiler refuses a function that
///
/// * is not `async`, is a method, is `unsafe`, or is generic over types or constants,
/// * has more than eight arguments,
/// * has an argument that is not `FromMessage`, or a result that is not `IntoReply`,
/// * holds a value that is not `Send` across an `.await`.
#[proc_macro_attribute]
pub fn consumer(attribute: TokenStream, item: TokenStream) -> TokenStream {
    check::consumer(&attribute.into(), &item.into()).into()
}
