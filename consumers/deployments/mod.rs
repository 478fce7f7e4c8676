//! The deployments that `waterway new` writes.

use waterway::cli::Deployment;

/// A file of a deployment, by its path in this folder.
macro_rules! file {
    ($path:literal from $source:literal) => {
        ($path, include_str!($source))
    };
}

/// Files that each deployment has.
macro_rules! with_common_files {
    ($($file:expr,)*) => {
        &[
            $($file,)*
            file!("@name@.service" from "common/waterway.service"),
            file!("Containerfile" from "common/Containerfile"),
        ]
    };
}

/// A service for the pictures of a page.
#[cfg(feature = "pictures")]
pub const PICTURES: Deployment = Deployment {
    name: "pictures",
    about: "a picture service, with a page that sends pictures to it",
    files: with_common_files! {
        file!("routing.toml" from "pictures/routing.toml"),
        file!("web/index.html" from "pictures/web/index.html"),
    },
};

/// Chat rooms.
pub const CHAT: Deployment = Deployment {
    name: "chat",
    about: "a service of chat rooms, with a page for them",
    files: with_common_files! {
        file!("routing.toml" from "chat/routing.toml"),
        file!("web/index.html" from "chat/web/index.html"),
    },
};

/// A web application.
pub const WEB: Deployment = Deployment {
    name: "web",
    about: "a web application of one page, with a socket and a health check",
    files: with_common_files! {
        file!("routing.toml" from "web/routing.toml"),
        file!("web/index.html" from "web/web/index.html"),
        file!("web/assets/app.1.css" from "web/web/assets/app.1.css"),
        file!("web/assets/app.1.js" from "web/web/assets/app.1.js"),
    },
};

/// A program of one's own that answers events.
#[cfg(feature = "webhook")]
pub const WEBHOOK: Deployment = Deployment {
    name: "webhook",
    about: "a service whose events a program in Python answers over HTTP",
    files: with_common_files! {
        file!("routing.toml" from "webhook/routing.toml"),
        file!("receiver.py" from "webhook/receiver.py"),
        file!("web/index.html" from "webhook/web/index.html"),
    },
};

/// A program of one's own that the service starts.
pub const PROGRAM: Deployment = Deployment {
    name: "program",
    about: "a service whose events a program in Python answers",
    files: &[
        file!("routing.toml" from "program/routing.toml"),
        file!("answer.py" from "program/answer.py"),
        file!("waterway.py" from "../lib/waterway.py"),
        file!("web/index.html" from "program/web/index.html"),
        file!("Containerfile" from "program/Containerfile"),
        file!("@name@.service" from "common/waterway.service"),
    ],
};
