//! The tokens that a client showed in its handshake, for all tokens that routes of its path may
//! need. Each message is checked against them before it is handled.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::auth::Verified;
use crate::error::{Error, code};
use crate::message::Scope;
use crate::routing::{MatchedRoutes, Named, Route};
use crate::service::LiveRoute;

/// For each token: the scope with its claims, for the messages that need it; or why it was not
/// accepted.
type Shown = Result<Arc<Scope>, Arc<Error>>;

#[derive(Default)]
pub(super) struct Credentials {
    shown: Vec<(Named, Shown)>,
    expires: Option<Instant>,
}

impl Credentials {
    /// Verifies every token that a route of this path may need. The scope gets the claims of the
    /// connect route's token.
    ///
    /// # Errors
    /// If the client did not show the connect route's token.
    pub(super) fn verify(
        matched: &MatchedRoutes<LiveRoute>,
        scope: &mut Arc<Scope>,
    ) -> Result<Self, Error> {
        let mut credentials = Self::default();
        let to_connect = matched.connect().and_then(|route| route.auth());
        let demanded = to_connect.into_iter().chain(matched.demands());
        let shown: Vec<String> = demanded.filter_map(|named| named.token.shown(scope)).collect();
        if !shown.is_empty() {
            Arc::make_mut(scope).tokens = shown.into();
        }
        if let Some(named) = to_connect {
            let Verified { claims, expires_in, .. } = named.token.verify(scope)?;
            Arc::make_mut(scope).claims = Some(Arc::new(claims));
            credentials.shown.push((named.clone(), Ok(Arc::clone(scope))));
            credentials.expire(expires_in);
        }
        for named in matched.demands() {
            if to_connect.is_some_and(|first| Arc::ptr_eq(&first.token, &named.token)) {
                continue;
            }
            let verified =
                named.token.verify(scope).map(|Verified { claims, expires_in, .. }| {
                    credentials.expire(expires_in);
                    Arc::new(Scope { claims: Some(Arc::new(claims)), ..Scope::clone(scope) })
                });
            credentials.shown.push((named.clone(), verified.map_err(Arc::new)));
        }
        Ok(credentials)
    }

    /// Lets the routes of another table rely on the tokens that were shown, by the tokens' names.
    /// `false` if one of them demands another token, or the connect route now demands one that was
    /// not shown. A changed key of a token counts for new connections.
    pub(super) fn carry_over(&mut self, matched: &MatchedRoutes<LiveRoute>) -> bool {
        let find = |named: &Named| {
            self.shown.iter().find(|(known, _)| known.name == named.name).map(|(_, shown)| shown)
        };
        let to_connect = matched.connect().and_then(|route| route.auth());
        if to_connect.is_some_and(|named| find(named).is_none_or(Shown::is_err)) {
            return false;
        }
        let demanded = to_connect.into_iter().chain(matched.demands());
        let shown: Option<Vec<_>> =
            demanded.map(|named| Some((named.clone(), find(named)?.clone()))).collect();
        let carried_over = shown.is_some();
        self.shown = shown.unwrap_or_default();
        carried_over
    }

    /// When the first token expires; `None` if none expires.
    pub(super) fn expires(&self) -> Option<Instant> {
        self.expires
    }

    /// The scope for a message of this route: with the claims of the first token that the route
    /// needs; `None` if it needs none.
    ///
    /// # Errors
    /// If the client did not show one of the tokens.
    pub(super) fn scope(&self, route: &Route) -> Result<Option<&Arc<Scope>>, Arc<Error>> {
        let mut first = None;
        for token in route.demands() {
            match self.shown.iter().find(|(known, _)| Arc::ptr_eq(&known.token, token)) {
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
