//! Whether clients can request and fetch results in the usual way.

use http::Method;
use waterway::config::{InUse, RouteConfig, RoutingConfig};
use waterway::message::Channel;
use waterway::setting::{Diagnostic, Spanned};

use crate::image::Pictures;
use crate::image::header::DEFAULT_RESULT;
use crate::media::Media;
use crate::storage::{Address, Storage};

/// Warns of each consumer of pictures whose results clients cannot get.
pub(super) fn check(config: &RoutingConfig, warnings: &mut Vec<Diagnostic>) {
    for pictures in config.in_use::<Pictures>("image.work") {
        if !pictures.options.results.contains_key(DEFAULT_RESULT) {
            let message = format!(
                "no pipeline is called {DEFAULT_RESULT:?}, which a header without rType means"
            );
            let help = format!("add {DEFAULT_RESULT} = [\"grayscale\"], or [] for no step");
            warnings.push(Diagnostic::new(pictures.span_of(&["results"]), message).help(help));
        }
        if pictures.options.url == Address::Own
            && let Some((why, help)) = unserved(config, &pictures)
        {
            let span = pictures.span_of(&["folder", "storage"]);
            warnings.push(Diagnostic::new(span, why).help(help));
        }
    }
}

/// The reason why clients cannot fetch these results by their URLs, and the way out.
fn unserved(config: &RoutingConfig, pictures: &InUse<Pictures>) -> Option<(String, String)> {
    let prefix = pictures.options.prefix.as_str();
    let name = format!("{prefix}0.jpg");
    let path = format!("/upload/{name}");
    let parts_of = |route: &Spanned<RouteConfig>| {
        let gets = route.channel.contains(Channel::Request)
            && route.method.as_ref().is_none_or(|methods| methods.contains(&Method::GET))
            && route.when.is_empty();
        let Some(template) = route.path.as_ref().filter(|_| gets) else {
            return gets.then(Vec::new);
        };
        let parts = template.matches(&path)?.into_iter();
        Some(parts.map(|(_, part)| part).collect::<Vec<_>>())
    };
    let mut routes = config.route.iter().filter_map(|route| Some((route, parts_of(route)?)));
    let way_out =
        "route media by path = \"/upload/{*file}\", or set url to the server that has them";
    let Some((route, parts)) = routes.next() else {
        return Some((format!("no route serves the results at {path}"), way_out.into()));
    };
    let consumer = route.consumer.last();
    let media = config.in_use::<Media>("media").into_iter().find(|media| media.name == consumer);
    let Some(media) = media else {
        let why = format!("{consumer} answers at {path}, where the results should be");
        return Some((why, way_out.into()));
    };
    if parts != [name.as_str()] {
        let found = parts.join("/");
        return Some((format!("{consumer} looks for the file {found} at {path}"), way_out.into()));
    }
    if !same(&media.options.storage, &pictures.options.storage) {
        let [served, kept] = [&media.options.storage, &pictures.options.storage].map(shown);
        let why = format!("results are kept in {kept}, and {consumer} serves {served}");
        return Some((why, "name the same folder or bucket in both".into()));
    }
    (!prefix.starts_with(&media.options.prefix)).then(|| {
        let served = &media.options.prefix;
        let why = format!("results begin with {prefix:?}, and {consumer} serves {served:?} alone");
        (why, "give both the same prefix".into())
    })
}

fn same(one: &Storage, other: &Storage) -> bool {
    match (one, other) {
        (Storage::Folder(one), Storage::Folder(other)) => one.absolute() == other.absolute(),
        _ => one == other,
    }
}

fn shown(storage: &Storage) -> String {
    match storage {
        Storage::Folder(folder) => folder.absolute().display().to_string(),
        Storage::S3(_) => "a bucket".into(),
    }
}
