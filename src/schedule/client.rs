//! The tasks of each client, and the part of the page that it sees.

use std::{collections::HashMap, sync::Arc};

use slab::Slab;

use super::{entry::TaskKey, flow::FlowKey, rank::View};
use crate::spare::GiveBack;

/// Clients that have tasks or a view. A client with neither is forgotten.
#[derive(Debug, Default)]
pub(super) struct Clients {
    records: Slab<Client>,
    keys: HashMap<Arc<str>, ClientKey>,
}

/// A client's slot, which is reused for another client after this one is forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ClientKey(usize);

#[derive(Debug)]
struct Client {
    name: Arc<str>,
    view: Option<View>,
    /// Whether the client has left: its tasks keep their order, but the view is forgotten with the
    /// last one.
    left: bool,
    /// Its queued and running tasks, by uuid.
    tasks: HashMap<Arc<str>, TaskKey>,
    /// The flow of its latest task.
    flow: Option<FlowKey>,
}

impl Clients {
    pub(super) fn find(&self, name: &str) -> Option<ClientKey> {
        self.keys.get(name).copied()
    }

    pub(super) fn find_task(&self, name: &str, uuid: &str) -> Option<TaskKey> {
        self.records[self.find(name)?.0].tasks.get(uuid).copied()
    }

    /// The client with this name, added if it is new. Call [`settle`](Self::settle) afterwards.
    pub(super) fn enter(&mut self, name: &Arc<str>) -> ClientKey {
        if let Some(key) = self.find(name) {
            return key;
        }
        let (name, tasks) = (Arc::clone(name), HashMap::new());
        let client = Client { name: Arc::clone(&name), view: None, left: false, tasks, flow: None };
        let key = ClientKey(self.records.insert(client));
        self.keys.insert(name, key);
        key
    }

    pub(super) fn view(&self, key: ClientKey) -> Option<View> {
        self.records[key.0].view
    }

    pub(super) fn set_view(&mut self, key: ClientKey, view: Option<View>) {
        self.records[key.0].view = view;
    }

    /// Forgets all views. Returns the flows of the tasks that were ordered by one.
    pub(super) fn forget_views(&mut self) -> Vec<FlowKey> {
        let keys = self.records.iter().filter(|(_, client)| client.view.is_some());
        let keys: Vec<ClientKey> = keys.map(|(key, _)| ClientKey(key)).collect();
        let mut flows = Vec::new();
        for key in keys {
            flows.extend(self.flow(key));
            self.set_view(key, None);
            self.settle(key);
        }
        flows
    }

    pub(super) fn leave(&mut self, key: ClientKey) {
        self.records[key.0].left = true;
    }

    pub(super) fn tasks(&self, key: ClientKey) -> impl Iterator<Item = TaskKey> + '_ {
        self.records[key.0].tasks.values().copied()
    }

    pub(super) fn with_tasks(&self) -> usize {
        self.records.iter().filter(|(_, client)| !client.tasks.is_empty()).count()
    }

    /// The flow of its tasks, if it has any.
    pub(super) fn flow(&self, key: ClientKey) -> Option<FlowKey> {
        let client = &self.records[key.0];
        client.flow.filter(|_| !client.tasks.is_empty())
    }

    pub(super) fn insert(&mut self, key: ClientKey, uuid: Arc<str>, task: TaskKey, flow: FlowKey) {
        let client = &mut self.records[key.0];
        client.tasks.insert(uuid, task);
        client.flow = Some(flow);
    }

    pub(super) fn remove(&mut self, key: ClientKey, uuid: &str) {
        let tasks = &mut self.records[key.0].tasks;
        tasks.remove(uuid);
        tasks.give_back();
        self.settle(key);
    }

    /// Forgets the client if it has neither tasks nor a view that is still needed.
    pub(super) fn settle(&mut self, key: ClientKey) {
        let client = &self.records[key.0];
        if client.tasks.is_empty() && (client.view.is_none() || client.left) {
            self.keys.remove(&client.name);
            self.records.remove(key.0);
            self.keys.give_back();
            self.records.give_back();
        }
    }

    /// The largest capacity for clients, or for the tasks of one client.
    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        let tasks = self.records.iter().map(|(_, client)| client.tasks.capacity());
        tasks.chain([self.records.capacity(), self.keys.capacity()]).max().unwrap_or_default()
    }

    #[cfg(test)]
    pub(super) fn check_invariants(&self) -> usize {
        assert_eq!(self.records.len(), self.keys.len());
        for (name, key) in &self.keys {
            let client = &self.records[key.0];
            assert_eq!(&client.name, name);
            assert!(!client.tasks.is_empty() || (client.view.is_some() && !client.left));
        }
        self.records.iter().map(|(_, client)| client.tasks.len()).sum()
    }
}
