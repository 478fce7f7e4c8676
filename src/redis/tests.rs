//! Tests of the connection against private servers.

use std::time::Duration;

use redis::{Script, cmd};

use super::private::{Kind, Redis};
use super::{Failure, Server};

fn server(redis: &Redis) -> Server {
    Server::new(redis.url().parse().expect("it is a URL"), Duration::from_secs(5))
}

/// Runs a command until the server is there again.
async fn until_back(server: &Server) {
    for _ in 0..600 {
        match server.query::<String>(&cmd("PING")).await {
            Ok(_) => return,
            Err(Failure::Away(_)) => tokio::time::sleep(Duration::from_millis(50)).await,
            Err(other) => panic!("{other}"),
        }
    }
    panic!("the connection is not made anew");
}

#[tokio::test]
async fn commands_and_scripts_run_again_after_a_restart() {
    for kind in [Kind::Redis, Kind::Valkey] {
        let mut redis = Redis::start(kind);
        let server = server(&redis);
        let script = Script::new("return ARGV[1] + 1");
        let run = async || server.run::<u64>(&script.arg(1)).await;
        assert_eq!(run().await.unwrap(), 2, "{kind:?}");
        redis.kill();
        let away = run().await.unwrap_err();
        assert!(matches!(away, Failure::Away(_)), "{away}");
        assert_eq!(away.error().field("retry_after_ms"), Some(&1000.into()));
        assert!(!server.is_connected());
        redis.restart();
        until_back(&server).await;
        // The server has forgotten the script.
        assert_eq!(run().await.unwrap(), 2, "{kind:?}");
    }
}

#[tokio::test]
async fn a_server_without_memory_is_full_and_a_wrong_command_is_refused() {
    let redis = Redis::start_with(Kind::Redis, &["--maxmemory", "1kb"]);
    let server = server(&redis);
    let set = server.query::<()>(cmd("SET").arg("a").arg("b")).await;
    assert!(matches!(set, Err(Failure::Full)), "{set:?}");
    let wrong = server.query::<()>(cmd("SET").arg("a")).await;
    assert!(matches!(wrong, Err(Failure::Refused(_))), "{wrong:?}");
}

#[tokio::test]
async fn a_wrong_password_counts_as_away_and_is_not_shown() {
    let redis = Redis::start_with(Kind::Redis, &["--requirepass", "hunter2"]);
    let with = |password: &str| {
        let url = redis.url().replace("redis://", &format!("redis://:{password}@"));
        Server::new(url.parse().unwrap(), Duration::from_secs(5))
    };
    let wrong = with("hunter3").query::<String>(&cmd("PING")).await.unwrap_err();
    assert!(matches!(wrong, Failure::Away(_)), "{wrong}");
    assert!(!format!("{wrong} {:?}", with("hunter3")).contains("hunter"), "{wrong}");
    assert_eq!(with("hunter2").query::<String>(&cmd("PING")).await.unwrap(), "PONG");
}
