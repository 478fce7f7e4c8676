//! The application: every consumer that the program `waterway` knows, and the program itself.
//!
//! A crate of your own can take [`general`], [`pictures`] or both into its
//! [`Registry`] with [`Registry::merge`].

pub mod backoff;
pub mod breaker;
pub mod chat;
pub mod close;
pub mod deny;
pub mod deployments;
pub mod django;
pub mod echo;
pub mod files;
pub mod group;
mod head;
#[cfg(feature = "pictures")]
pub mod image;
pub mod media;
#[cfg(feature = "pictures")]
pub mod page;
pub mod program;
pub mod push;
pub mod refusal;
pub mod relay;
pub mod reply;
pub mod require;
pub mod respond;
pub mod rules;
#[cfg_attr(not(feature = "pictures"), allow(dead_code, reason = "media only reads files"))]
pub mod storage;
#[cfg(feature = "webhook")]
pub mod webhook;
pub mod template;
pub mod web;

use waterway::Registry;
use waterway::cli::App;
use waterway::message::Channel;

/// The program `waterway`.
#[must_use]
pub fn app() -> App {
    let app = App::new(registry());
    #[cfg(feature = "pictures")]
    let app = with_pictures(app);
    #[cfg(feature = "webhook")]
    let app = app.rules(rules::WebhookRules);
    #[cfg(feature = "webhook")]
    let app = app.deployment(deployments::WEBHOOK);
    app.rules(rules::MediaRules)
        .rules(rules::DjangoRules)
        .rules(rules::ProgramRules)
        .rules(rules::WebRules)
        .deployment(deployments::CHAT)
        .deployment(deployments::PROGRAM)
        .deployment(deployments::WEB)
}

/// Every consumer of this crate.
#[must_use]
pub fn registry() -> Registry {
    let registry = general();
    #[cfg(feature = "pictures")]
    let registry = registry.merge(pictures());
    registry
}

/// Consumers for any service: programs in any language, webhooks, and consumers that a table
/// composes: groups, replies, queues, responses, folders of web pages, stored files, and small ones
/// that echo, close or refuse.
#[must_use]
pub fn general() -> Registry {
    let registry = Registry::new()
        .function("chat.join", chat::join)
        .function("chat.leave", chat::leave)
        .function("chat.say", chat::say)
        .function("close", close::close)
        .function("deny", deny::deny)
        .socket("echo", echo::Echo::default)
        .function("group.join", group::join)
        .function("group.leave", group::leave)
        .function("group.send", group::send)
        .function("media", media::media)
        .function("django", django::django)
        .state::<django::Django>("django")
        .kind("django", "django")
        .function("exec", program::program)
        .state::<program::Program>("exec")
        .kind("exec", "exec")
        .charge_elapsed("exec")
        .function("push", push::push)
        .precedence("push", push::precedence::receive)
        .function("relay", relay::relay)
        .function("reply", reply::reply)
        .function("require", require::require)
        .function("respond", respond::respond)
        .function("static", web::serve)
        .transit_store("s3", storage::transit)
        .serves("chat.join", [Channel::Connect])
        .serves("chat.leave", [Channel::Disconnect])
        .serves("django", [Channel::Connect, Channel::Receive, Channel::Disconnect])
        .serves("group.join", [Channel::Connect, Channel::Receive])
        .serves("group.leave", [Channel::Receive, Channel::Disconnect])
        .serves("media", [Channel::Request])
        .serves("push", [Channel::Receive, Channel::Request])
        .serves("relay", [Channel::Connect, Channel::Receive, Channel::Disconnect])
        .serves("reply", [Channel::Connect, Channel::Receive, Channel::Request])
        .serves("respond", [Channel::Request])
        .serves("static", [Channel::Request])
        .serves("close", Channel::ALL)
        .serves("deny", Channel::ALL)
        .about("chat.join", "Lets a client into a chat room, as tables had it before `group.*`. Its path has one parameter, the room; `?name=` has at most 64 bytes.")
        .about("chat.leave", "Tells a chat room that a client has left it.")
        .about("chat.say", "Sends a client's text to its chat room.")
        .about("close", "Sends a last text, if it has one, and closes the connection.")
        .about("deny", "Refuses a client with an HTTP status.")
        .about("django", "Hands events to a worker of Django, which answers over the channel layer.")
        .about("echo", "Sends `connected!`, then sends back every message.")
        .about("group.join", "Puts a client into a group, and tells the group's members.")
        .about("group.leave", "Takes a client out of a group, or tells the others that it has left.")
        .about("group.send", "Sends a message to a group.")
        .about("media", "Serves the files of one folder, or the objects of a bucket. Its path has one parameter.")
        .about("exec", "Gives events to a program in any language, and applies the actions that it writes.")
        .about("push", "Makes a task of each message. Obeys `viewport`, `cancel` and `reprioritise`.")
        .about("relay", "Passes each client's messages on to the others of its group.")
        .about("reply", "Sends a text or JSON to the client.")
        .about("require", "Refuses clients whose token, path, query or message does not fit.")
        .about("respond", "Answers a request with a status, headers and a body.")
        .about("static", "Serves a folder of web pages. Its path has at most one parameter.");
    #[cfg(feature = "webhook")]
    let registry = registry
        .function("http", webhook::webhook)
        .state::<webhook::Webhook>("http")
        .charge_elapsed("http")
        .kind("http", "http")
        .about("http", "Posts each event to an HTTP endpoint, and does what it answers.");
    registry
}

/// The picture service, and the page that demonstrates it.
///
/// Give the rules of these consumers to your [`App`] too:
/// `App::new(registry).rules(waterway_consumers::rules::PictureRules)`.
#[cfg(feature = "pictures")]
#[must_use]
pub fn pictures() -> Registry {
    Registry::new()
        .function("image.cancel", push::cancel)
        .function("image.connect", image::connect)
        .function("image.disconnect", image::disconnect)
        .function("image.http", image::http)
        .function("image.receive", image::receive)
        .function("image.reprioritise", push::reprioritise)
        .function("image.viewport", push::viewport)
        .precedence("image.cancel", push::precedence::cancel)
        .precedence("image.receive", push::precedence::receive)
        .precedence("image.viewport", push::precedence::viewport)
        .function("image.work", image::work)
        .state::<image::Service>("image.work")
        .estimate("image.work", image::need)
        .background("image.work", image::sweep)
        .function("page", page::page)
        .function("page.sample", page::sample)
        .serves("image.cancel", [Channel::Receive])
        .serves("image.connect", [Channel::Connect])
        .serves("image.http", [Channel::Request])
        .serves("image.receive", [Channel::Receive])
        .serves("image.reprioritise", [Channel::Receive])
        .serves("image.viewport", [Channel::Receive])
        .serves("image.work", [Channel::Task, Channel::Receive, Channel::Request])
        .serves("page", [Channel::Request])
        .serves("page.sample", [Channel::Request])
        .about("image.cancel", "Obeys `cancel`, for tables that route it apart.")
        .about("image.connect", "Greets with `{}`.")
        .about("image.disconnect", "Writes a record at level `debug`.")
        .about("image.http", "Queues the picture of a request.")
        .about("image.receive", "Queues a picture; obeys `viewport`, `cancel` and `reprioritise`.")
        .about("image.reprioritise", "Obeys `reprioritise`, for tables that route it apart.")
        .about("image.viewport", "Obeys `viewport`, for tables that route it apart.")
        .about("image.work", "Works on the pictures of a queue.")
        .about("page", "The demonstration page.")
        .about("page.sample", "The pictures of the demonstration page. Its path has one parameter.")
}

/// Adds the parts for pictures to the program: rules, the built-in table, the command `steps`.
#[cfg(feature = "pictures")]
fn with_pictures(app: App) -> App {
    let steps = waterway::cli::Guide {
        name: "steps",
        about: "Show the steps that a pipeline of pictures may have, or explain one",
        about_in_full: "A pipeline is a list of steps. A step is its name, or a table of one key: \
            `[\"srgb\", { fit = [320, 320] }, { jpeg = { quality = 80 } }]`. [steps.md](steps.md) \
            explains all of them, and `waterway consumers steps NAME` explains one.",
        entry: "step",
        list: image::steps::list,
        explain: image::steps::explain,
        markdown: image::steps::markdown,
    };
    app.about(
        "A routed consumer service for WebSockets and HTTP, and the picture service that it was \
         made for.",
    )
    .demo(include_str!("../routing.toml"))
    .rules(rules::PictureRules)
    .deployment(deployments::PICTURES)
    .guide(steps)
}
