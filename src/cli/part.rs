//! The options of the command line that change the table for one process.

use crate::config::{Backend, Listen, RoutingConfig, Workers};

/// The options of this process. They take precedence over the table.
#[derive(Debug, Clone, Default)]
pub(super) struct Part {
    /// The addresses that take the place of `[server] listen`.
    pub(super) listen: Vec<Listen>,
    pub(super) of: Side,
}

/// Which side of the queues a process is on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Side {
    /// As the table says.
    #[default]
    Both,
    /// It holds sockets, and other processes have the workers: `serve --workers none`.
    Sockets,
    /// It has workers, and no sockets: `work`.
    Workers,
}

impl Part {
    /// Changes a table, so that this process does its part of it.
    ///
    /// # Errors
    /// If this process is on one side only, and the queues are in the memory of one process.
    pub(super) fn apply(&self, config: &mut RoutingConfig) -> Result<(), String> {
        let is_shared = *config.layer.backend == Backend::Redis;
        if self.of != Side::Both && !is_shared {
            return Err("the queues are in the memory of one process: no other can do the tasks\n\
                        write [layer] with backend = \"redis\" and the url of a server"
                .to_owned());
        }
        if !self.listen.is_empty() {
            config.server.listen.clone_from(&self.listen);
        }
        for queue in config.queue.values_mut() {
            match (self.of, queue.value.workers) {
                (Side::Sockets, _) => queue.value.workers = Workers::None,
                (Side::Workers, Workers::None) => queue.value.workers = Workers::default(),
                _ => {}
            }
        }
        Ok(())
    }
}
