//! The differences between two tables.

use std::fmt;

use serde::Serialize;

use crate::routing::{Router, Row};
use crate::setting::{SpannedValue, Table};

/// The differences between the former table and the new one. `Display` writes them in one line.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Changes {
    /// The routes, each as its events and its path.
    pub routes: Changed,
    /// The consumers that routes and queues name.
    pub consumers: Changed,
    /// The queues.
    pub queues: Changed,
    /// The tokens, `[auth.NAME]`.
    pub auth: Changed,
    /// Other settings that have changed, such as `limits.message`.
    pub settings: Vec<String>,
    /// Changed settings that take effect only when the service starts, such as `server.listen`.
    pub kept: Vec<String>,
}

/// Names that only one of two tables has, or that have different contents in both.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Changed {
    /// New names.
    pub added: Vec<String>,
    /// Removed names.
    pub removed: Vec<String>,
    /// Names whose contents differ.
    pub changed: Vec<String>,
}

/// The keys of `[server]` that take effect only when the service starts.
const KEPT: [&str; 10] = [
    "connections",
    "connections_per_address",
    "groups",
    "half_received",
    "hosts",
    "listen",
    "memory",
    "requests_per_address",
    "root",
    "threads",
];

/// Whether both tables use a consumer of this name, without a difference in the tables.
pub(super) fn is_equal(former: &Router, router: &Router, name: &str) -> bool {
    let find = |router: &'_ Router| {
        let used = router.consumers().iter().find(|consumer| &*consumer.name == name)?;
        let state = used.state.map(|state| state.type_id());
        Some((used.uses.clone(), used.options.clone(), state))
    };
    let (Some(one), Some(other)) = (find(former), find(router)) else { return false };
    one.0 == other.0 && one.1.has_content_of(&other.1) && one.2 == other.2
}

impl Changes {
    /// `kept_consumer` says which consumers are the same in both tables.
    pub(super) fn between(
        former: &Router,
        router: &Router,
        kept_consumer: impl Fn(&str) -> bool,
    ) -> Self {
        let names = |router: &Router| {
            let consumers = router.consumers().iter();
            consumers.map(|consumer| consumer.name.to_string()).collect::<Vec<_>>()
        };
        let section = |name| Changed::between_sections(former, router, name);
        let (mut settings, mut kept) = (Vec::new(), Vec::new());
        for name in ["server", "limits", "log", "admin", "layer"] {
            let Changed { added, removed, changed } = section(name);
            for key in added.into_iter().chain(removed).chain(changed) {
                let is_kept = match name {
                    "server" => KEPT.contains(&key.as_str()),
                    "log" => key == "summary",
                    other => other != "limits",
                };
                if is_kept { &mut kept } else { &mut settings }.push(format!("{name}.{key}"));
            }
        }
        Self {
            routes: Changed::between_routes(former, router),
            consumers: Changed::between_names(&names(former), &names(router), kept_consumer),
            queues: section("queue"),
            auth: section("auth"),
            settings,
            kept,
        }
    }

    /// Whether the tables are the same.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Changed {
    /// Whether nothing differs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The lists that are not empty, each with a word for it.
    fn lists(&self) -> impl Iterator<Item = (&'static str, &[String])> {
        let Self { added, removed, changed } = self;
        let lists = [("new", added), ("removed", removed), ("changed", changed)];
        let lists = lists.into_iter().map(|(how, names)| (how, names.as_slice()));
        lists.filter(|(_, names)| !names.is_empty())
    }

    fn between_names(former: &[String], new: &[String], same: impl Fn(&str) -> bool) -> Self {
        let missing = |from: &[String], others: &[String]| {
            from.iter().filter(|name| !others.contains(name)).cloned().collect::<Vec<_>>()
        };
        let both = former.iter().filter(|name| new.contains(name));
        Self {
            added: missing(new, former),
            removed: missing(former, new),
            changed: both.filter(|name| !same(name)).cloned().collect(),
        }
    }

    /// The keys of a section that differ.
    fn between_sections(former: &Router, router: &Router, section: &str) -> Self {
        let [one, other] = [former, router].map(|router| table_of(router.written(), section));
        let keys = |table: Option<&Table>| {
            table.into_iter().flat_map(Table::keys).map(str::to_owned).collect::<Vec<_>>()
        };
        Self::between_names(&keys(one), &keys(other), |key| {
            let values = [one, other].map(|table| table.and_then(|table| table.get(key)));
            matches!(values, [Some(one), Some(other)] if one.has_content_of(other))
        })
    }

    fn between_routes(former: &Router, router: &Router) -> Self {
        let [mut gone, mut new] = [former, router].map(routes);
        let in_order = gone.len() == new.len()
            && gone.iter().zip(&new).all(|(one, other)| one.1.has_content_of(other.1));
        new.retain(|(_, route)| {
            let same = gone.iter().position(|(_, former)| former.has_content_of(route));
            same.map(|at| gone.remove(at)).is_none()
        });
        let mut changed = Vec::new();
        new.retain(|(name, _)| {
            let former = gone.iter().position(|(former, _)| former == name);
            if let Some(at) = former {
                changed.push(gone.remove(at).0);
            }
            former.is_none()
        });
        if !in_order && gone.is_empty() && new.is_empty() && changed.is_empty() {
            changed.push("their order".to_owned());
        }
        let names = |routes: Vec<(String, &SpannedValue)>| {
            routes.into_iter().map(|(name, _)| name).collect()
        };
        Self { added: names(new), removed: names(gone), changed }
    }
}

/// The routes of a table as written, each with its events and its path.
fn routes(router: &Router) -> Vec<(String, &SpannedValue)> {
    let written = router.written().as_table().and_then(|root| root.get("route")?.as_list());
    let name = |row: Row| match &row.path {
        Some(path) => format!("{} {path}", row.event()),
        None => row.event(),
    };
    router.rows().into_iter().map(name).zip(written.unwrap_or_default()).collect()
}

fn table_of<'a>(written: &'a SpannedValue, section: &str) -> Option<&'a Table> {
    written.as_table()?.get(section)?.as_table()
}

impl fmt::Display for Changed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = |(how, names): (&str, &[String])| format!("{how}: {}", names.join(", "));
        f.write_str(&self.lists().map(named).collect::<Vec<_>>().join("; "))
    }
}

impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        let lists =
            [("routes", &self.routes), ("consumers", &self.consumers), ("queues", &self.queues)];
        for (what, list) in lists.into_iter().chain([("tokens", &self.auth)]) {
            let named =
                |(how, names): (&str, &[String])| format!("{how} {what}: {}", names.join(", "));
            parts.extend(list.lists().map(named));
        }
        for (how, names) in [("changed", &self.settings), ("kept until the next start", &self.kept)]
        {
            if !names.is_empty() {
                parts.push(format!("{how}: {}", names.join(", ")));
            }
        }
        if parts.is_empty() {
            parts.push("nothing has changed".to_owned());
        }
        f.write_str(&parts.join("; "))
    }
}
