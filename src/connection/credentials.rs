//! What a client has shown at its handshake: for every token that a route of its path may need,
//! whether it has it. A message is held against this before anything of it is handled.

use std::sync::Arc;

use crate::auth::Token;
use crate::error::{Error, code};
use crate::message::Scope;
use crate::routing::{Route, Way};

/// The scope for the messages that need a token, with its claims, or why there is none.
type Shown = Result<Arc<Scope>, Arc<Error>>;

#[derive(Default)]
pub(super) struct Credentials {
    shown: Vec<(Arc<Token>, Shown)>,
}

impl Credentials {
    /// Looks for every token that a route of this path may need. The scope gets the claims of the
    /// token that the connect route asks for.
    ///
    /// # Errors
    /// When the client does not have that one.
    pub(super) fn verify(way: &Way, scope: &mut Arc<Scope>) -> Result<Self, Error> {
        let mut shown = Vec::new();
        let to_connect = way.connect().and_then(|route| route.token());
        if let Some(token) = to_connect {
            let claims = token.verify(scope)?.claims;
            Arc::make_mut(scope).claims = Some(claims);
            shown.push((Arc::clone(token), Ok(Arc::clone(scope))));
        }
        for token in way.demands() {
            if to_connect.is_some_and(|first| Arc::ptr_eq(first, token)) {
                continue;
            }
            let with_claims =
                |claims| Arc::new(Scope { claims: Some(claims), ..Scope::clone(scope) });
            let verified = token.verify(scope).map(|verified| with_claims(verified.claims));
            shown.push((Arc::clone(token), verified.map_err(Arc::new)));
        }
        Ok(Self { shown })
    }

    /// The scope for a message that this route takes: where the route needs tokens, with the claims
    /// of the first; else none.
    ///
    /// # Errors
    /// When the client lacks one of them.
    pub(super) fn scope(&self, route: &Route) -> Result<Option<&Arc<Scope>>, Arc<Error>> {
        let mut first = None;
        for token in route.demands() {
            match self.shown.iter().find(|(known, _)| Arc::ptr_eq(known, token)) {
                Some((_, Ok(scope))) => first = first.or(Some(scope)),
                Some((_, Err(error))) => return Err(Arc::clone(error)),
                None => return Err(Arc::new(Error::new(code::AUTH, "enter correct token"))),
            }
        }
        Ok(first)
    }
}
