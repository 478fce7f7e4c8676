//! The content of a message that a consumer sends: the options `text` and `json`.

use waterway::extract::RouteCheck;
use waterway::{Error, Reply};

use super::facts::Facts;
use super::json::JsonTemplate;
use super::parameter::Parameter;
use super::text::Template;

/// The options `text` and `json` of a consumer. At most one is set.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Content<'a> {
    text: Option<&'a Template>,
    json: Option<&'a JsonTemplate>,
}

impl<'a> Content<'a> {
    pub(crate) fn new(text: Option<&'a Template>, json: Option<&'a JsonTemplate>) -> Self {
        Self { text, json }
    }

    /// Whether neither option is set.
    pub(crate) fn is_absent(&self) -> bool {
        self.text.is_none() && self.json.is_none()
    }

    /// Whether it tells how many members a group has. They are counted only then, because another
    /// process may have to be asked.
    pub(crate) fn has_group_size(self) -> bool {
        self.parameters().any(Parameter::is_group_size)
    }

    pub(crate) fn parameters(self) -> impl Iterator<Item = &'a Parameter> {
        let of_text = self.text.into_iter().flat_map(Template::parameters);
        of_text.chain(self.json.into_iter().flat_map(JsonTemplate::parameters))
    }

    /// The content as a reply; an empty reply if neither option is set.
    ///
    /// # Errors
    /// The error for the client, whose message does not have a value.
    pub(crate) fn reply(&self, facts: Facts<'_>) -> Result<Reply, Error> {
        match (self.text, self.json) {
            (Some(text), _) => text.fill(facts).map(Reply::text),
            (None, Some(json)) => Reply::json(&json.fill(facts)?),
            (None, None) => Ok(Reply::default()),
        }
    }

    /// Reports parameters that the route cannot give, and options that exclude each other.
    pub(crate) fn check(&self, route: &mut RouteCheck<'_>) {
        if self.text.is_some() && self.json.is_some() {
            let consumer = route.consumer().clone();
            route.report_option("json", format!("{consumer} has both text and json"), "leave one");
        }
        for parameter in self.parameters() {
            parameter.check(route);
        }
    }
}
