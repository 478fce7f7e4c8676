//! Rules for routing tables that concern the consumers of this crate.

mod django;
mod media;
#[cfg(feature = "pictures")]
mod paths;
#[cfg(feature = "pictures")]
mod pictures;
mod programs;
#[cfg(feature = "pictures")]
mod results;
mod web;
#[cfg(feature = "webhook")]
mod webhooks;

pub use django::DjangoRules;
pub use media::MediaRules;
#[cfg(feature = "pictures")]
pub use pictures::PictureRules;
pub use programs::ProgramRules;
pub use web::WebRules;
#[cfg(feature = "webhook")]
pub use webhooks::WebhookRules;
