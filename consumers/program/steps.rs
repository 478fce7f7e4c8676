//! `waterway steps`: what a pipeline of pictures can do.

use super::Outcome;
use super::arguments::Steps;
use super::check::print;
use crate::image::step::document;

pub(super) fn steps(arguments: &Steps) -> Outcome {
    let text = match &arguments.name {
        Some(name) => document::explain(name).ok_or_else(|| {
            format!("there is no step {name:?}\nwaterway steps lists those that there are")
        })?,
        None if arguments.markdown => document::markdown(),
        None => document::list(),
    };
    print(&text);
    Ok(())
}
