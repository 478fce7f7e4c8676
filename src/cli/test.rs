//! `waterway test`: runs the `[[test]]` entries of a routing table, without sockets.

use tokio::runtime::Builder;
use uuid::Uuid;

use super::arguments::{Environment, Test};
use super::log::Kept;
use super::table::{Source, build, read};
use super::terminal::{complain, print};
use super::{App, Outcome};
use crate::auth::{Algorithm, Source as TokenSource, sign};
use crate::config::{AuthConfig, RoutingConfig, Secret, TestConfig};
use crate::routing::Router;
use crate::setting::Report;
use crate::testing::{ShownToken, run};

pub(super) fn test(app: &App, arguments: &Test) -> Outcome {
    let source = Source::named(app, &arguments.file)?;
    let mut loaded = read(app, &source, Environment::default())?;
    let secret = test_secret(&mut loaded.config)?;
    let (router, loaded) = build(app, loaded)?;
    let tests = &loaded.config.test;
    if tests.is_empty() {
        print(&format!("{source} has no [[test]]\n"));
        return Ok(());
    }
    let mut runtime = Builder::new_current_thread();
    runtime.enable_all().start_paused(is_timeless(&router));
    let (records, mut failures, mut logs) = (Kept::start(), Vec::new(), Vec::new());
    for test in tests {
        let tokens = tokens(&loaded.config, test, &secret)?;
        // Each test has a clock of its own.
        let runtime = runtime.build().map_err(|error| format!("no test can run: {error}"))?;
        let result = runtime.block_on(run(&router, test, &tokens));
        let log = records.take();
        if let Err(failure) = result {
            if !log.is_empty() {
                let place = loaded.sources.describe(failure.span);
                logs.push(format!("the log of the test that fails at {place}:\n{log}"));
            }
            failures.push(failure);
        }
    }
    let (failed, all) = (failures.len(), tests.len());
    if failed == 0 {
        print(&format!("{source}: {all} {} passed\n", if all == 1 { "test" } else { "tests" }));
        return Ok(());
    }
    complain(&format!("{}{}\n", logs.concat(), Report::of_failures(&loaded.sources, &failures)));
    Err(format!("{source}: {} of {all} tests passed", all - failed))
}

/// Whether nothing in the table works beside the clock of the tests: a queue's workers, programs and
/// webhooks take time of their own.
fn is_timeless(router: &Router) -> bool {
    router.queues().len() == 0 && !router.works_outside()
}

/// Lets every token of the table be signed with one secret, so that tests need no secret of the
/// deployment; returns that secret.
fn test_secret(config: &mut RoutingConfig) -> Result<String, String> {
    let text = format!("{}{}", Uuid::new_v4(), Uuid::new_v4());
    let secret: Secret = text.parse()?;
    for auth in config.auth.values_mut() {
        auth.value.algorithms = vec![Algorithm::HS256];
        auth.value.secret.value = secret.clone();
    }
    Ok(text)
}

/// A token with the claims of a test for each `[auth.NAME]` with a place of its own.
fn tokens(
    config: &RoutingConfig,
    test: &TestConfig,
    secret: &str,
) -> Result<Vec<ShownToken>, String> {
    let Some(claims) = &test.claims else { return Ok(Vec::new()) };
    let mut tokens: Vec<ShownToken> = Vec::new();
    for auth in config.auth.values() {
        let mut claims = claims.clone();
        for (claim, demanded) in [("iss", &auth.issuer), ("aud", &auth.audience)] {
            if let Some(name) = demanded.first() {
                claims.entry(claim).or_insert_with(|| name.as_str().into());
            }
        }
        let address = test.address.map_or_else(|| "127.0.0.1".into(), |ip| ip.to_string());
        claims.entry("ip").or_insert_with(|| address.into());
        let Some(source) = place(auth) else { continue };
        if tokens.iter().all(|known| known.source != source) {
            let token = sign(Algorithm::HS256, secret, &claims)?;
            tokens.push(ShownToken { source, token });
        }
    }
    Ok(tokens)
}

/// Where a test puts a token: into a header if it may be there, because a header changes neither the
/// path nor the subprotocols.
fn place(auth: &AuthConfig) -> Option<TokenSource> {
    let is_header = |source: &&TokenSource| matches!(source, TokenSource::Header(_));
    let is_parameter = |source: &&TokenSource| matches!(source, TokenSource::QueryParameter(_));
    let from = &auth.from;
    let best = from.iter().find(is_header).or_else(|| from.iter().find(is_parameter));
    best.or(from.first()).cloned()
}
