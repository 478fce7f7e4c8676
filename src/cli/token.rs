//! `waterway token`: makes a token that a routing table takes.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::arguments::{Environment, Token};
use super::table::{Source, load_and_warn};
use super::terminal::print;
use super::{App, Outcome};
use crate::auth::sign;
use crate::config::{AuthConfig, RoutingConfig};
use serde_json::{Map, Value};

pub(super) fn token(app: &App, arguments: &Token) -> Outcome {
    let source = Source::named(app, &arguments.file)?;
    // The whole table must be valid: a token for a table that is not served is useless.
    let (_, loaded) = load_and_warn(app, &source, Environment::default())?;
    let auth = choose(&loaded.config, arguments.auth.as_deref())?;
    let claims = claims(arguments, auth)?;
    let algorithm = auth.algorithms.first().copied().unwrap_or_default();
    print(&format!("{}\n", sign(algorithm, auth.secret.expose(), &claims)?));
    Ok(())
}

fn choose<'a>(config: &'a RoutingConfig, name: Option<&str>) -> Result<&'a AuthConfig, String> {
    let names: Vec<&str> = config.auth.keys().map(String::as_str).collect();
    let known = names.join(", ");
    let name = match (name, names.as_slice()) {
        (_, []) => return Err("the table has no [auth.NAME], so nothing asks for a token".into()),
        (Some(name), _) => name,
        (None, [only]) => only,
        (None, _) => return Err(format!("the table has several: name one with --auth: {known}")),
    };
    let auth = config.auth.get(name).map(|auth| &auth.value);
    auth.ok_or_else(|| format!("the table has no [auth.{name}]; it has: {known}"))
}

fn claims(arguments: &Token, auth: &AuthConfig) -> Result<Map<String, Value>, String> {
    let mut claims = Map::new();
    for claim in &arguments.claims {
        let (name, value) = claim
            .split_once('=')
            .ok_or_else(|| format!("a claim is NAME=VALUE, and {claim:?} has no \"=\""))?;
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
        claims.insert(name.to_owned(), value);
    }
    if let Some(ip) = arguments.ip {
        claims.insert("ip".into(), ip.to_string().into());
    }
    for (claim, demanded) in [("iss", &auth.issuer), ("aud", &auth.audience)] {
        if let Some(name) = demanded.first() {
            claims.entry(claim).or_insert_with(|| name.as_str().into());
        }
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let expires = match arguments.expires.duration() {
        Duration::ZERO => now.saturating_sub(auth.leeway.duration()),
        good => now + good,
    };
    claims.entry("exp").or_insert_with(|| expires.as_secs().into());
    Ok(claims)
}
