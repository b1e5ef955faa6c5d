//! Tests that an invalid setting ends the program with exit code 2, and that the first line on stderr names the
//! setting.

use tempfile::TempDir;

use crate::installation::program;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_setting_is_named() {
    let folder = TempDir::new().unwrap();
    let cases = [
        ("MILEPOST_LISTEN", "nowhere"),
        ("MILEPOST_LISTN", "127.0.0.1:0"),
        ("MILEPOST_DATABASE_URL", "mysql://localhost/milepost"),
        ("MILEPOST_REDIS_URL", "memcached://localhost"),
        ("MILEPOST_SMTP_URL", "localhost:25"),
        ("MILEPOST_MAIL_FROM", "the shop"),
        ("MILEPOST_JWT_SECRET", "too-short"),
        ("MILEPOST_JWT_SECRET_FILE", "/nowhere/secret"),
        ("MILEPOST_JWT_AUDIENCE", " milepost"),
        ("MILEPOST_CUSTOMERS_PLACE_ORDERS", "yes"),
        ("MILEPOST_WEBHOOK_SECRET_FEDEX_1", " "),
        ("MILEPOST_UPS_CLIENT_ID", "milepost"),
        ("MILEPOST_DHL_API_URL", "http://dhl.example"),
        ("MILEPOST_CARRIER_CODES", "fedex.OC=flying"),
        ("MILEPOST_LOG_FORMAT", "xml"),
        ("MILEPOST_PUBLIC_URL", "shop"),
    ];
    for (name, value) in cases {
        let output = program(folder.path()).set(name, value).run(&["serve"]).await;
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{name}: {stderr}");
        let first = stderr.lines().next().unwrap_or_default();
        assert!(first.starts_with("error: ") && first.contains(name), "{name}: {stderr}");
        assert!(!stderr.contains("too-short"), "a secret is shown: {stderr}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_without_redis_is_refused() {
    let folder = TempDir::new().unwrap();
    for role in ["api", "worker"] {
        let output = program(folder.path()).run(&["serve", "--role", role]).await;
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(stderr.lines().next().unwrap_or_default().contains("MILEPOST_REDIS_URL"), "{stderr}");
    }
}
