//! The tokens of a client: for every token that a route of its path may need, whether the client
//! has shown it at its handshake. Each message is checked against this before it is handled.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::auth::{Token, Verified};
use crate::error::{Error, code};
use crate::message::Scope;
use crate::routing::{Route, Way};

/// For each token, the scope with its claims, for the messages that need it; or why the client
/// lacks it.
type Shown = Result<Arc<Scope>, Arc<Error>>;

#[derive(Default)]
pub(super) struct Credentials {
    shown: Vec<(Arc<Token>, Shown)>,
    expires: Option<Instant>,
}

impl Credentials {
    /// Looks for every token that a route of this path may need. The scope gets the claims of the
    /// token that the connect route asks for.
    ///
    /// # Errors
    /// When the client lacks that token.
    pub(super) fn verify(way: &Way, scope: &mut Arc<Scope>) -> Result<Self, Error> {
        let mut credentials = Self::default();
        let to_connect = way.connect().and_then(|route| route.token());
        if let Some(token) = to_connect {
            let Verified { claims, expires_in, .. } = token.verify(scope)?;
            Arc::make_mut(scope).claims = Some(claims);
            credentials.shown.push((Arc::clone(token), Ok(Arc::clone(scope))));
            credentials.expire(expires_in);
        }
        for token in way.demands() {
            if to_connect.is_some_and(|first| Arc::ptr_eq(first, token)) {
                continue;
            }
            let verified = token.verify(scope).map(|Verified { claims, expires_in, .. }| {
                credentials.expire(expires_in);
                Arc::new(Scope { claims: Some(claims), ..Scope::clone(scope) })
            });
            credentials.shown.push((Arc::clone(token), verified.map_err(Arc::new)));
        }
        Ok(credentials)
    }

    /// When the first of the tokens expires; `None` if none does.
    pub(super) fn expires(&self) -> Option<Instant> {
        self.expires
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

    fn expire(&mut self, within: Option<Duration>) {
        let end = within.and_then(|within| Instant::now().checked_add(within));
        self.expires = [self.expires, end].into_iter().flatten().min();
    }
}
