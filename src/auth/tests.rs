//! Tests of tokens.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{HeaderMap, HeaderValue, header};
use jsonwebtoken::{EncodingKey, Header, encode};
use serde_json::{Value, json};

use super::{Algorithm, Scope, Source, Token, sign};

fn token(claims: Value) -> String {
    let Value::Object(claims) = claims else { unreachable!("claims are an object") };
    sign(Algorithm::HS256, "secret", &claims).unwrap()
}

fn rules(bind_ip: bool) -> Token {
    let from = vec![
        Source::Query,
        Source::QueryParameter("token".into()),
        Source::Header("authorization".into()),
        Source::Subprotocol,
    ];
    Token::new(&[Algorithm::HS256], "secret", from).unwrap().bind_ip(bind_ip)
}

fn scope(query: &str) -> Scope {
    Scope { query: query.into(), ip: "10.0.0.7".parse().ok(), ..Scope::default() }
}

#[test]
fn a_token_is_found_in_every_source() {
    let token = token(json!({"sub": "anna"}));
    let authorization = HeaderValue::from_str(&format!("bearer {token}")).unwrap();
    let headers: HeaderMap = [(header::AUTHORIZATION, authorization)].into_iter().collect();
    for scope in [
        scope(&token),
        scope(&format!("page=1&token={token}")),
        Scope { headers, ..scope("page=1") },
        Scope { subprotocols: vec!["pictures".into(), token.clone()], ..scope("") },
    ] {
        assert_eq!(rules(false).verify(&scope).unwrap().claims["sub"], "anna");
    }
}

#[test]
fn refusals_use_the_tornado_programs_words() {
    let other = Token::new(&[Algorithm::HS256], "other", vec![Source::Query]).unwrap();
    let valid = token(json!({"ip": "10.0.0.7"}));
    for (rules, query, words) in [
        (rules(false), token(json!({"exp": 1})), "token expired"),
        (rules(false), token(json!({"nbf": 99_999_999_999_u64})), "enter correct token"),
        (rules(true), token(json!({"ip": "10.0.0.8"})), "ip mismatch"),
        (rules(true), token(json!({})), "ip mismatch"),
        (rules(false), "a.b.c".into(), "enter correct token"),
        (rules(false), String::new(), "enter correct token"),
        (other, valid.clone(), "enter correct token"),
    ] {
        assert_eq!(rules.verify(&scope(&query)).unwrap_err().message(), words, "{query}");
    }
    assert!(rules(true).verify(&scope(&valid)).is_ok());
}

#[test]
fn other_values_do_not_hide_a_token_in_a_later_source() {
    let token = token(json!({"sub": "anna"}));
    let header = |values: &[&str]| {
        let value = |value: &&str| (header::AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        values.iter().map(value).collect::<HeaderMap>()
    };
    let offered = vec!["v1.chat.example".into(), token.clone()];
    for (query, values, subprotocols) in [
        ("1699999", &[&*token][..], vec![]),
        ("a.b.c=1", &[&token], vec![]),
        ("token=1699999&token=", &[&token], vec![]),
        (&format!("token=1&token={token}"), &[], vec![]),
        ("a..c", &[&token], vec![]),
        ("", &["Basic dXNlcjpwYXNz", &format!("Bearer {token}")], vec![]),
        ("", &["Basic dXNlcjpwYXNz"], offered.clone()),
        ("", &["Bearer opaque"], offered),
    ] {
        let headers = header(values);
        let scope = Scope { headers, subprotocols, ..scope(query) };
        assert_eq!(
            rules(false).verify(&scope).unwrap().claims["sub"],
            "anna",
            "{query} {values:?}"
        );
    }
    // A text of three parts counts as a token, and the first token counts.
    let scope = Scope { headers: header(&[&token]), ..scope("a.b.c") };
    assert!(rules(false).verify(&scope).is_err());
}

#[test]
fn issuer_and_audience_are_checked_if_the_rules_name_them() {
    let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
    let rules = |issuer: &[&str], audience: &[&str]| {
        rules(false).issuer(&names(issuer)).audience(&names(audience))
    };
    for (rules, claims, taken) in [
        (rules(&[], &[]), json!({"iss": "x", "aud": ["y"]}), true),
        (rules(&[], &[]), json!({"aud": 3}), true),
        (rules(&["a", "b"], &[]), json!({"iss": "b"}), true),
        (rules(&["a", "b"], &[]), json!({"iss": "c"}), false),
        (rules(&["a"], &[]), json!({"iss": 3}), false),
        (rules(&["a"], &[]), json!({}), false),
        (rules(&[], &["a", "b"]), json!({"aud": "a"}), true),
        (rules(&[], &["a", "b"]), json!({"aud": ["c", "b"]}), true),
        (rules(&[], &["a", "b"]), json!({"aud": ["c"]}), false),
        (rules(&[], &["a"]), json!({"aud": []}), false),
        (rules(&[], &["a"]), json!({"aud": null}), false),
        (rules(&[], &["a"]), json!({"iss": "a"}), false),
    ] {
        let verified = rules.verify(&scope(&token(claims.clone())));
        assert_eq!(verified.is_ok(), taken, "{claims} {verified:?}");
    }
}

#[test]
fn a_token_is_valid_for_the_leeway_before_and_after_its_time() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let rules = |leeway| rules(false).leeway(Duration::from_secs(leeway)).close_at_exp(true);
    for (leeway, claims, taken) in [
        (0, json!({"nbf": now + 50}), Err("enter correct token")),
        (60, json!({"nbf": now + 50}), Ok(None)),
        (60, json!({"nbf": now + 90}), Err("enter correct token")),
        (0, json!({"exp": now - 50}), Err("token expired")),
        (60, json!({"exp": now - 50}), Ok(Some(10))),
        (60, json!({"exp": now - 60}), Err("token expired")),
        (0, json!({"exp": now + 50}), Ok(Some(50))),
    ] {
        let verified = rules(leeway).verify(&scope(&token(claims.clone())));
        let left = verified.map(|verified| verified.expires_in);
        match (left, taken) {
            (Err(error), Err(words)) => assert_eq!(error.message(), words, "{claims}"),
            // Time passes between making the token and verifying it.
            (Ok(Some(left)), Ok(Some(most))) => {
                assert!((most - 5..=most).contains(&left.as_secs()), "{claims} {left:?}");
            }
            (Ok(None), Ok(None)) => {}
            (left, _) => panic!("{claims}: {left:?}"),
        }
    }
    let far = rules(0).verify(&scope(&token(json!({"exp": 1e19})))).unwrap();
    assert!(far.expires_in > Some(Duration::from_secs(u64::MAX / 4)));
    let stays = self::rules(false).verify(&scope(&token(json!({"exp": now + 50})))).unwrap();
    assert_eq!(stays.expires_in, None);
}

#[test]
fn a_token_with_a_critical_header_is_refused() {
    let claims = json!({"sub": "anna"});
    for (critical, taken) in
        [(None, true), (Some(vec!["b64".to_owned()]), false), (Some(vec![]), false)]
    {
        let header = Header { crit: critical.clone(), ..Header::new(Algorithm::HS256) };
        let token = encode(&header, &claims, &EncodingKey::from_secret(b"secret")).unwrap();
        let verified = rules(false).verify(&scope(&token));
        assert_eq!(verified.is_ok(), taken, "{critical:?}");
    }
}

#[test]
fn an_unsigned_token_is_refused() {
    // {"alg":"none"}.{"sub":"anna"}.
    let unsigned = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm5hIn0.";
    assert!(rules(false).verify(&scope(unsigned)).is_err());
}

#[test]
fn invalid_rules_are_refused_with_the_reason() {
    for (algorithms, secret, words) in [
        (&[][..], "s", "at least one"),
        (&[Algorithm::HS256, Algorithm::RS256], "s", "cannot share a key"),
        (&[Algorithm::HS256], "", "the secret is empty"),
        (&[Algorithm::RS256], "not PEM", "not a public key in PEM for RS256"),
    ] {
        let error = Token::new(algorithms, secret, Vec::new()).unwrap_err();
        assert!(error.contains(words), "{error}");
    }
}
