//! Tests of [`Settings::read`] and [`Settings::check_serving`], one for each rule.

use chrono::TimeDelta;

use super::*;

const LONG: &str = "0123456789abcdef0123456789abcdef";

/// Reads environment variables (names without prefix) and the text of a settings file. The file `/run/secret` holds a
/// long secret, `/run/empty` an empty line; no other file exists.
fn read(env: &[(&str, &str)], toml: &str) -> Result<Settings, BadSettings> {
    let env = env.iter().map(|(key, value)| (format!("{PREFIX}{key}"), (*value).to_owned()));
    Settings::read(env, Some(toml), |path| match path.to_str() {
        Some("/run/secret") => Ok(format!("{LONG}\n")),
        Some("/run/empty") => Ok("\n".to_owned()),
        _ => Err(io::ErrorKind::NotFound.into()),
    })
}

fn error(env: &[(&str, &str)], toml: &str) -> String {
    read(env, toml).expect_err("it was accepted").to_string()
}

fn exposed(secrets: &[Masked]) -> Vec<&str> {
    secrets.iter().map(Masked::expose).collect()
}

#[test]
fn nothing_set_means_the_defaults() {
    let settings = Settings::read([], None, |_| unreachable!("there is no file")).unwrap();
    assert_eq!(settings.listen, "127.0.0.1:8080".parse().unwrap());
    assert_eq!(settings.database_url.expose(), "sqlite://milepost.db?mode=rwc");
    assert_eq!((settings.database_connections, settings.graphiql), (10, true));
    assert_eq!((settings.log.as_str(), settings.log_format), ("info", LogFormat::Text));
    assert_eq!(settings.mail_from, "Milepost <orders@localhost>");
    assert_eq!(settings.carrier_codes, CodeMap::default());
    assert!(settings.public_url.is_none() && settings.redis_url.is_none() && settings.smtp_url.is_none());
    assert!(settings.jwt_secret.is_none() && settings.build_sender_secrets().unwrap().is_empty());
    assert_eq!(settings.dhl_webhook_header, "x-milepost-token");
    assert!(settings.dhl_api_key.is_none());
}

#[test]
fn the_environment_wins_over_the_settings_file() {
    let toml = "listen = \"127.0.0.1:1\"\ngraphiql = false\ndatabase_connections = 3\nlog = \"warn\"";
    let settings = read(&[("LISTEN", "127.0.0.1:2"), ("LOG", "")], toml).unwrap();
    assert_eq!(settings.listen.port(), 2);
    assert_eq!((settings.graphiql, settings.database_connections), (false, 3));
    assert_eq!(settings.log, "warn", "an empty variable is as good as none");
}

#[test]
fn a_secret_may_stand_in_a_file() {
    let settings = read(&[("JWT_SECRET_FILE", "/run/secret")], "redis_url_file = \"/run/secret\"");
    assert!(
        settings
            .unwrap_err()
            .to_string()
            .starts_with("redis_url_file (in the settings file): it is not a URL")
    );
    let settings = read(&[("JWT_SECRET_FILE", "/run/secret")], "").unwrap();
    assert_eq!(settings.jwt_secret.unwrap().expose(), LONG, "without the line end");
    assert_eq!(
        error(&[("JWT_SECRET_FILE", "/run/empty")], ""),
        "MILEPOST_JWT_SECRET_FILE: the file /run/empty is empty"
    );
    assert!(
        error(&[("SMTP_URL_FILE", "/gone")], "")
            .starts_with("MILEPOST_SMTP_URL_FILE: the file /gone cannot be read: ")
    );
}

#[test]
fn a_variable_hides_the_file_that_the_settings_file_names() {
    let settings = read(&[("JWT_SECRET", LONG)], "jwt_secret_file = \"/gone\"").unwrap();
    assert_eq!(settings.jwt_secret.unwrap().expose(), LONG);
}

#[test]
fn a_secret_and_its_file_are_one_too_many() {
    let message = error(&[("JWT_SECRET", LONG), ("JWT_SECRET_FILE", "/run/secret")], "");
    assert_eq!(message, "MILEPOST_JWT_SECRET_FILE: MILEPOST_JWT_SECRET is set too; keep one of them");
}

#[test]
fn unknown_keys_are_refused_by_name() {
    assert_eq!(
        error(&[("LISTN", "x")], ""),
        "MILEPOST_LISTN: there is no such setting; did you mean MILEPOST_LISTEN?"
    );
    assert_eq!(
        error(&[], "listn = \"x\""),
        "listn (in the settings file): there is no such setting; did you mean listen?"
    );
    assert_eq!(
        error(&[], "LISTEN = \"127.0.0.1:1\""),
        "LISTEN (in the settings file): there is no such setting; did you mean listen?"
    );
    assert!(
        error(&[], "[server]\nlisten = \"x\"").starts_with("server (in the settings file): there is no such")
    );
    let others = [("PATH".to_owned(), "/bin".to_owned())];
    assert!(Settings::read(others, None, |_| unreachable!()).is_ok(), "others' variables are not ours");
}

#[test]
fn bad_values_are_refused_by_name() {
    for (name, value, problem) in [
        ("LISTEN", "8080", "`8080` is not an address and a port, as in 127.0.0.1:8080"),
        ("PUBLIC_URL", "track.example.org", "`track.example.org` is not a web address"),
        ("PUBLIC_URL", "https://track.example.org?x", "`https://track.example.org?x` is not a web address"),
        ("GRAPHIQL", "yes", "`yes` is neither on nor off"),
        ("DATABASE_URL", "mysql://root:hunter2@db/x", "it cannot begin with mysql:"),
        ("DATABASE_URL", "sqlite::memory:", "SQLite needs a file here"),
        ("DATABASE_URL", "sqlite://x?mode=memory", "SQLite needs a file here"),
        ("DATABASE_URL", "sqlite:", "SQLite needs a file here"),
        ("DATABASE_CONNECTIONS", "0", "`0` is not a number from 1 to 1000"),
        ("REDIS_URL", "http://:hunter2@localhost", "it cannot begin with http:"),
        ("REDIS_URL", "localhost", "it is not a URL like redis://"),
        (
            "SMTP_URL",
            "smtp://shop:hunter2@mail.example.org",
            "the SMTP URL would send the password unencrypted",
        ),
        ("MAIL_FROM", "Milepost", "the sender \"Milepost\" is not an address"),
        ("JWT_SECRET", "hunter2", "it has 7 bytes and needs 32"),
        ("WEBHOOK_SECRET_FEDEX", " ", "it is blank"),
        ("WEBHOOK_SECRET_UPS_2", "\t", "it is blank"),
        ("DHL_WEBHOOK_HEADER", "x token", "`x token` is no name of an HTTP header"),
        ("DHL_API_KEY", " ", "it is blank"),
        ("DHL_API_KEY", "hunter2\n", "it has characters that no HTTP header can carry"),
        ("DHL_API_URL", "api-eu.dhl.com", "`api-eu.dhl.com` is not a web address"),
        ("DHL_API_URL", "http://api-eu.dhl.com", "`http://api-eu.dhl.com` does not begin with https://"),
        (
            "DHL_API_URL",
            "https://me:hunter2@dhl.com/v1",
            "`https://dhl.com/v1` has more than a host and a path",
        ),
        ("CARRIER_CODES", "fedex.OC", "`fedex.OC` is not of the form carrier.code=meaning"),
        ("LOG", "inof", "`inof` is neither a level"),
        ("LOG", "info,app=loud", "`info,app=loud` is neither a level"),
        ("LOG_FORMAT", "xml", "`xml` is neither text nor json"),
    ] {
        let message = error(&[(name, value)], "");
        assert!(message.starts_with(&format!("{PREFIX}{name}: {problem}")), "{name}={value}: {message}");
        assert_eq!(message.lines().count(), 1, "{message}");
        assert!(!message.contains("hunter2"), "{message}");
    }
}

#[test]
fn every_problem_is_named_at_once() {
    let message = error(&[("GRAPHIQL", "yes"), ("LISTEN", "x")], "colour = \"red\"");
    let names: Vec<_> = message.lines().filter_map(|line| line.split(':').next()).collect();
    assert_eq!(names, ["colour (in the settings file)", "MILEPOST_LISTEN", "MILEPOST_GRAPHIQL"]);
}

#[test]
fn a_broken_settings_file_is_told_by_its_line_and_not_repeated() {
    let message = error(&[], "listen = \"127.0.0.1:1\"\njwt_secret = hunter2\n");
    assert!(message.starts_with("the settings file: line 2: "), "{message}");
    assert!(!message.contains("hunter2"), "{message}");
    assert_eq!(error(&[], "log = 1.5"), "log (in the settings file): must be a text");
    assert_eq!(error(&[], "log = [\"info\"]"), "log (in the settings file): must be a text");
}

#[test]
fn webhook_secrets_rotate() {
    let env = [
        ("WEBHOOK_SECRET_FEDEX", "a"),
        ("WEBHOOK_SECRET_FEDEX_2", "c"),
        ("WEBHOOK_SECRET_FEDEX_1_FILE", "/run/secret"),
    ];
    let settings = read(&env, "webhook_secret_ups = [\"x\", \"y\"]").unwrap();
    assert_eq!(exposed(&settings.webhook_secrets[&Sender::Fedex]), ["a", LONG, "c"]);
    assert_eq!(exposed(&settings.webhook_secrets[&Sender::Ups]), ["x", "y"]);

    let settings = read(&[("WEBHOOK_SECRET_UPS", "z")], "webhook_secret_ups = [\"x\", \"y\"]").unwrap();
    assert_eq!(exposed(&settings.webhook_secrets[&Sender::Ups]), ["z"], "the environment wins");
    assert!(error(&[], "webhook_secret_ups = [\"x\", \"\"]").ends_with("it is blank"));
    assert!(error(&[], "webhook_secret_ups = [1]").ends_with("must be a text"));
}

#[test]
fn ups_proves_itself_by_a_credential_or_by_tokens_or_by_both() {
    let client = [("UPS_CLIENT_ID", "milepost"), ("UPS_CLIENT_SECRET", "a"), ("UPS_CLIENT_SECRET_1", "b")];
    let settings = read(&client, "").unwrap();
    assert_eq!(exposed(&settings.ups_client.as_ref().unwrap().secrets), ["a", "b"]);
    assert_eq!(settings.describe_authentication(Sender::Ups).as_deref(), Some("on (by token)"));
    assert!(settings.build_sender_secrets().unwrap()[&Sender::Ups].client().is_some());
    let settings = read(&[&client[..], &[("WEBHOOK_SECRET_UPS", "c")]].concat(), "").unwrap();
    assert_eq!(settings.describe_authentication(Sender::Ups).as_deref(), Some("on, by token too"));
    assert!(settings.build_sender_secrets().unwrap()[&Sender::Ups].client().is_some());
    let settings = read(&[("WEBHOOK_SECRET_UPS", "c")], "").unwrap();
    assert_eq!(settings.describe_authentication(Sender::Ups).as_deref(), Some("on"));
    assert!(settings.build_sender_secrets().unwrap()[&Sender::Ups].client().is_none());
    assert_eq!(settings.describe_authentication(Sender::Fedex), None);
}

#[test]
fn an_id_of_ups_needs_its_secret_and_a_secret_its_id() {
    let message = error(&[("UPS_CLIENT_ID", "milepost")], "");
    assert_eq!(message, "MILEPOST_UPS_CLIENT_SECRET: is needed: MILEPOST_UPS_CLIENT_ID is set");
    let message = error(&[("UPS_CLIENT_SECRET_1", "hunter2")], "");
    assert_eq!(message, "MILEPOST_UPS_CLIENT_ID: is needed: MILEPOST_UPS_CLIENT_SECRET is set");
    let message = error(&[("UPS_CLIENT_ID", " "), ("UPS_CLIENT_SECRET", "hunter2")], "");
    assert_eq!(message, "MILEPOST_UPS_CLIENT_ID: it is blank");
    let message = error(&[("UPS_CLIENT_ID", "milepost"), ("UPS_CLIENT_SECRET", " ")], "");
    assert_eq!(message, "MILEPOST_UPS_CLIENT_SECRET: it is blank");
}

#[test]
fn the_header_of_dhl_is_the_merchants_choice() {
    let header = |env: &[(&str, &str)]| {
        let secrets = read(env, "").unwrap().build_sender_secrets().unwrap().remove(&Sender::Dhl).unwrap();
        Sender::Dhl.sign(&secrets, b"", chrono::DateTime::UNIX_EPOCH).remove(0)
    };
    let secret = ("WEBHOOK_SECRET_DHL", "a");
    assert_eq!(header(&[secret]), ("x-milepost-token".to_owned(), "a".to_owned()));
    let named = header(&[secret, ("DHL_WEBHOOK_HEADER", "X-My-Hook")]);
    assert_eq!(named, ("x-my-hook".to_owned(), "a".to_owned()));
}

#[test]
fn keys_travel_unread_except_on_this_machine() {
    for url in ["https://dhl.example/v1", "http://localhost:1/v1", "http://127.0.0.1:1", "http://[::1]:1/"] {
        assert_eq!(read(&[("DHL_API_URL", url)], "").unwrap().dhl_api_url, url.parse().unwrap());
    }
    let settings = read(&[("DHL_WEBHOOK_HEADER", "X-My-Hook")], "").unwrap();
    assert_eq!(settings.dhl_webhook_header, "x-my-hook");
}

#[test]
fn carrier_codes_give_other_meanings() {
    let settings = read(&[("CARRIER_CODES", "fedex.OC=label_created")], "").unwrap();
    assert!(settings.carrier_codes.get(Sender::Fedex, "OC").is_some());
}

#[test]
fn roles_meet_in_redis() {
    let alone = read(&[], "").unwrap();
    assert_eq!(alone.check_serving(Role::All), Ok(()));
    for role in [Role::Api, Role::Worker] {
        let message = alone.check_serving(role).unwrap_err().to_string();
        assert!(
            message.starts_with(&format!("MILEPOST_REDIS_URL: is needed for --role {role}")),
            "{message}"
        );
        let together = read(&[("REDIS_URL", "redis://localhost")], "").unwrap();
        assert_eq!(together.check_serving(role), Ok(()));
    }
}

#[test]
fn roles_that_share_no_folder_need_one_secret() {
    let env = [("REDIS_URL", "redis://localhost"), ("DATABASE_URL", "postgres://localhost/x")];
    let settings = read(&env, "").unwrap();
    assert_eq!(settings.check_serving(Role::All), Ok(()));
    let message = settings.check_serving(Role::Api).unwrap_err().to_string();
    assert!(message.starts_with("MILEPOST_JWT_SECRET: is needed for --role api"), "{message}");
}

#[test]
fn a_made_up_token_secret_is_for_loopback_only() {
    for (listen, reachable) in
        [("127.0.0.1:1", false), ("[::1]:1", false), ("0.0.0.0:1", true), ("192.0.2.7:1", true)]
    {
        let refused = read(&[("LISTEN", listen)], "").unwrap().check_serving(Role::All);
        assert_eq!(refused.is_err(), reachable, "{listen}");
        assert!(
            refused.err().is_none_or(|error| error.to_string().starts_with("MILEPOST_JWT_SECRET: is needed"))
        );
        let settings = read(&[("LISTEN", listen), ("JWT_SECRET", LONG)], "").unwrap();
        assert_eq!(settings.check_serving(Role::All), Ok(()));
    }
}

#[test]
fn secrets_are_not_printed() {
    let url = "smtps://shop:hunter2@mail.example.org";
    let env = [
        ("JWT_SECRET", "hunter2hunter2hunter2hunter2hunter2"),
        ("WEBHOOK_SECRET_UPS", "hunter2"),
        ("UPS_CLIENT_ID", "milepost"),
        ("UPS_CLIENT_SECRET", "hunter2"),
        ("DHL_API_KEY", "hunter2"),
        ("DATABASE_URL", "postgres://shop:hunter2@db/milepost"),
        ("REDIS_URL", "redis://:hunter2@localhost"),
        ("SMTP_URL", url),
    ];
    let settings = read(&env, "").unwrap();
    assert_eq!(settings.smtp_url.as_ref().map(Masked::expose), Some(url));
    assert!(!format!("{settings:?}").contains("hunter2"));
}

#[test]
fn the_bounds_of_operations_have_settings() {
    let settings = read(&[], "").unwrap();
    assert_eq!((settings.limits.introspection, settings.limits.answer_bytes), (true, 16 * 1024 * 1024));
    assert_eq!(settings.limits.timeout.as_secs(), 10);
    assert_eq!(settings.customer_orders_per_minute.get(), 10);
    assert_eq!(settings.notification_max_age, NotificationMaxAge::default());
    let set = [
        ("INTROSPECTION", "off"),
        ("QUERY_TIMEOUT", "2m"),
        ("MAX_ANSWER_BYTES", "65536"),
        ("CUSTOMER_ORDERS_PER_MINUTE", "3"),
        ("NOTIFY_MAX_AGE", "36h"),
    ];
    let settings = read(&set, "").unwrap();
    assert_eq!((settings.limits.introspection, settings.limits.answer_bytes), (false, 65_536));
    assert_eq!(settings.limits.timeout.as_secs(), 120);
    assert_eq!(settings.customer_orders_per_minute.get(), 3);
    assert_eq!(settings.notification_max_age.0, TimeDelta::hours(36));
    for (name, wrong) in [
        ("INTROSPECTION", "yes"),
        ("QUERY_TIMEOUT", "0s"),
        ("QUERY_TIMEOUT", "6m"),
        ("QUERY_TIMEOUT", "10"),
        ("MAX_ANSWER_BYTES", "1000"),
        ("MAX_ANSWER_BYTES", "67108865"),
        ("MAX_ANSWER_BYTES", "16MiB"),
        ("CUSTOMER_ORDERS_PER_MINUTE", "0"),
        ("CUSTOMER_ORDERS_PER_MINUTE", "10001"),
        ("NOTIFY_MAX_AGE", "59m"),
        ("NOTIFY_MAX_AGE", "three days"),
    ] {
        let message = error(&[(name, wrong)], "");
        assert!(message.starts_with(&format!("MILEPOST_{name}: `{wrong}` is n")), "{message}");
    }
}

#[test]
fn carriers_are_tables_in_the_file_and_entries_in_the_environment() {
    let toml = "[carriers.my_local]\nname = \"My, Local\"\nurl = \"https://my.example/{number}\"\n[carriers.dhl]\nname = \"DHL Paket\"";
    let own = |settings: &Settings| {
        let own = settings.carriers.list_own_carriers();
        own.map(|(code, name, url)| format!("{code} {name} {}", url.unwrap_or("-"))).collect::<Vec<_>>()
    };
    let settings = read(&[], toml).unwrap();
    assert_eq!(own(&settings), ["dhl DHL Paket -", "my_local My, Local https://my.example/{number}"]);
    let env = ("CARRIERS", "bikes=Bikes|https://bikes.example/{number}, gls=GLS Berlin");
    let expected = ["bikes Bikes https://bikes.example/{number}", "gls GLS Berlin -"];
    for (env, toml) in [(&[env][..], toml), (&[], &*format!("carriers = \"{}\"", env.1))] {
        assert_eq!(own(&read(env, toml).unwrap()), expected);
    }
    assert_eq!(own(&read(&[], "").unwrap()), [""; 0]);
    for (env, toml, expected) in [
        (
            &[("CARRIERS", "bikes")][..],
            "",
            "MILEPOST_CARRIERS: `bikes` is not like my_local=My Local|https://my.example/{number}",
        ),
        (
            &[],
            "[carriers.ups_x]\nname = \"X\"",
            "carriers (in the settings file): in `ups_x`: this is the carrier `ups`: use that code",
        ),
        (&[], "[carriers.x]\nurl = 1", "carriers (in the settings file): `x`: `url` must be a text"),
        (&[], "carriers = [1]", "carriers (in the settings file): must be a text"),
    ] {
        assert_eq!(error(env, toml), expected);
    }
}
