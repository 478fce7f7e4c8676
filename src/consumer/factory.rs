//! Makes a consumer's instances: one for a connection, or one for a worker.

use std::marker::PhantomData;
use std::sync::Arc;

use super::function::Consumer;
use super::instance::{FunctionInstance, Instance, SocketInstance};
use super::precedence::Precedence;
use super::socket::{Constructor, SocketConsumer};
use crate::extract::{Given, RouteCheck};
use crate::message::Message;

/// A consumer of the registry, which makes instances.
pub(crate) trait Factory: Send + Sync {
    fn check(&self, route: &mut RouteCheck<'_>);
    fn instance(&self, given: Arc<Given>) -> Box<dyn Instance>;
    /// Whether it is a socket consumer.
    fn is_socket(&self) -> bool;
    /// Whether its tasks are charged the time that passes, and not the CPU time of a worker.
    fn charges_elapsed(&self) -> bool {
        false
    }
    /// Whether a message overtakes waiting messages.
    fn precedence(&self, _: &Message) -> Precedence {
        Precedence::default()
    }
}

pub(super) struct Function<C, A> {
    pub(super) consumer: Arc<C>,
    pub(super) arguments: PhantomData<fn(A)>,
}

impl<C: Consumer<A>, A: 'static> Factory for Function<C, A> {
    fn check(&self, route: &mut RouteCheck<'_>) {
        self.consumer.check(route);
    }

    fn instance(&self, given: Arc<Given>) -> Box<dyn Instance> {
        let consumer = Arc::clone(&self.consumer);
        Box::new(FunctionInstance { consumer, given, arguments: PhantomData })
    }

    fn is_socket(&self) -> bool {
        false
    }
}

pub(super) struct Socket<C, A, S> {
    pub(super) constructor: Arc<C>,
    pub(super) types: PhantomData<fn(A) -> S>,
}

impl<C: Constructor<A, S>, A: 'static, S: SocketConsumer> Factory for Socket<C, A, S> {
    fn check(&self, route: &mut RouteCheck<'_>) {
        self.constructor.check(route);
    }

    fn instance(&self, given: Arc<Given>) -> Box<dyn Instance> {
        let constructor = Arc::clone(&self.constructor);
        let (socket, begun) = (None, false);
        Box::new(SocketInstance { constructor, given, socket, begun, arguments: PhantomData })
    }

    fn is_socket(&self) -> bool {
        true
    }
}

/// A consumer that works outside of this process.
pub(super) struct Elapsed {
    pub(super) factory: Arc<dyn Factory>,
}

impl Factory for Elapsed {
    fn check(&self, route: &mut RouteCheck<'_>) {
        self.factory.check(route);
    }

    fn instance(&self, given: Arc<Given>) -> Box<dyn Instance> {
        self.factory.instance(given)
    }

    fn is_socket(&self) -> bool {
        self.factory.is_socket()
    }

    fn charges_elapsed(&self) -> bool {
        true
    }

    fn precedence(&self, message: &Message) -> Precedence {
        self.factory.precedence(message)
    }
}
