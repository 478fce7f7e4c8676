//! `waterway new`: a deployment to start from.

use std::fmt::Write;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use super::arguments::New;
use super::terminal::print;
use super::{App, Deployment, Outcome};
use crate::routing::Router;
use crate::setting::nearest;

/// The file that the first line of a deployment's table names.
const SCHEMA: &str = "routing.schema.json";

pub(super) fn new(app: &App, arguments: &New) -> Outcome {
    let deployment = named(app, arguments.template.as_deref())?;
    let folder = &arguments.folder;
    let name = name_of(folder);
    make(folder)?;
    let mut written = Vec::new();
    for (path, content) in deployment.files {
        let path = path.replace("@name@", &name);
        write(&folder.join(&path), &content.replace("@name@", &name))?;
        written.push(path);
    }
    let schema = serde_json::to_string_pretty(&Router::schema(&app.registry));
    let schema = schema.map_err(|error| error.to_string())?;
    write(&folder.join(SCHEMA), &format!("{schema}\n"))?;
    written.push(SCHEMA.to_owned());
    print(&summary(app, deployment, folder, &written));
    Ok(())
}

/// The template with this name; without a name, the first one.
fn named<'a>(app: &'a App, name: Option<&str>) -> Result<&'a Deployment, String> {
    let Some(name) = name else {
        return app.deployments.first().ok_or_else(|| format!("{} has no templates", app.name));
    };
    app.deployments.iter().find(|deployment| deployment.name == name).ok_or_else(|| {
        let names = app.deployments.iter().map(|deployment| deployment.name);
        let help = nearest(name, "templates", names).unwrap_or_default();
        format!("there is no template {name:?}\n{help}")
    })
}

/// The name of the deployment: that of its folder, in the letters that unit files, users and images may
/// have in their names.
fn name_of(folder: &Path) -> String {
    let whole = std::path::absolute(folder).unwrap_or_default();
    let name =
        whole.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    let plain = |c: char| if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '-' };
    let name: String = name.chars().map(plain).collect();
    let name = name.trim_matches(|c: char| !c.is_ascii_lowercase());
    match name.get(..NAME_MAX).unwrap_or(name) {
        "" => "deployment".to_owned(),
        name => name.to_owned(),
    }
}

/// The longest name that a user of Linux can have.
const NAME_MAX: usize = 31;

/// Makes the folder. It may exist if it is empty.
fn make(folder: &Path) -> Outcome {
    let place = folder.display();
    match fs::read_dir(folder) {
        Ok(mut entries) => match entries.next() {
            Some(_) => Err(format!("the folder {place} is not empty\nname a new one")),
            None => Ok(()),
        },
        Err(error) if error.kind() == ErrorKind::NotFound => {
            fs::create_dir_all(folder).map_err(|error| format!("cannot make {place}: {error}"))
        }
        Err(error) => Err(format!("cannot use {place}: {error}")),
    }
}

/// Writes a file that does not exist yet.
fn write(path: &Path, content: &str) -> Outcome {
    let folder = path.parent().unwrap_or(path);
    let written = fs::create_dir_all(folder).and_then(|()| {
        let mut file = fs::File::create_new(path)?;
        std::io::Write::write_all(&mut file, content.as_bytes())
    });
    written.map_err(|error| format!("cannot write {}: {error}", path.display()))
}

fn summary(app: &App, deployment: &Deployment, folder: &Path, written: &[String]) -> String {
    let mut text = format!("{} is {}:\n", folder.display(), deployment.about);
    for path in written {
        let _ = writeln!(text, "  {path}");
    }
    let place = folder.display().to_string();
    let is_plain = |c: char| c.is_alphanumeric() || "/._-".contains(c);
    // Quotes within quotes are more than a hint needs to get right.
    let place = if place.chars().all(is_plain) { place } else { format!("'{place}'") };
    let _ = writeln!(text, "\nServe it: cd {place} && {}", app.name);
    if deployment.files.iter().any(|(_, content)| content.contains("\n[[test]]\n")) {
        let _ = writeln!(text, "Test it: cd {place} && {} test", app.name);
    }
    text
}
