//! Tests that `milepost scan` imitates each sender as the settings say, and gets the server's address from the
//! settings.

use std::fs;

use axum::{Router, http::Uri};
use carriers::Sender;
use tempfile::TempDir;
use tests::process::Program;
use tokio::net::TcpListener;

use crate::installation::{program, with_secret};

/// Sets the secrets of all senders. DHL has a custom header. UPS has no shared secret, only the tokens that it fetches.
fn with_their_own_proofs(program: Program) -> Program {
    let others = Sender::ALL.into_iter().filter(|sender| *sender != Sender::Ups);
    others
        .fold(program, with_secret)
        .set("MILEPOST_DHL_WEBHOOK_HEADER", "X-Shop-Key")
        .set("MILEPOST_UPS_CLIENT_ID", "milepost")
        .set("MILEPOST_UPS_CLIENT_SECRET", "ups-client-secret")
}

/// Runs `milepost scan`. Returns the exit code, stdout and stderr.
async fn scan(program: &Program, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = program.run(&[&["scan"], arguments].concat()).await;
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// The arguments for a scan of this sender.
fn delivered<'a>(sender: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["--carrier", sender, "--tracking", "794600000001", "--status", "delivered"], more].concat()
}

fn stored() -> (Option<i32>, String, String) {
    (Some(0), "200 OK stored\n".to_owned(), String::new())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_sender_is_imitated_as_the_settings_have_it() {
    let folder = TempDir::new().unwrap();
    let program = with_their_own_proofs(program(folder.path()));
    let server = program.serve(&[]).await;
    for sender in Sender::ALL {
        let done = scan(&program, &delivered(sender.as_str(), &["--to", server.url()])).await;
        assert_eq!(done, stored(), "{sender}");
    }

    let given =
        delivered("dhl", &["--to", server.url(), "--secret", "dhl-secret", "--location", "Berlin, DE"]);
    assert_eq!(scan(&program, &given).await, stored(), "a given secret goes into the chosen header");
    let wrong = delivered("dhl", &["--to", server.url(), "--secret", "hush"]);
    let (code, told, complaints) = scan(&program, &wrong).await;
    assert_eq!((code, told.as_str()), (Some(1), ""));
    assert!(complaints.contains("/webhooks/dhl refused it: 401 "), "{complaints}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_story_imitates_them_likewise() {
    let folder = TempDir::new().unwrap();
    let program = with_their_own_proofs(program(folder.path()));
    let server = program.serve(&[]).await;
    let parcel = |sender| format!("[[parcel]]\nname = \"{sender}\"\nsender = \"{sender}\"\n");
    let send = |sender| format!("{{ parcel = \"{sender}\", status = \"delivered\", at = \"-1h\" }}");
    let step = |forged: &str| format!("[[step]]\nsend = [{}, {}]\n{forged}", send("dhl"), send("ups"));
    let story =
        ["title = \"Two\"\n", &parcel("dhl"), &parcel("ups"), &step(""), &step("forge = \"signature\"\n")];
    fs::write(folder.path().join("two.toml"), story.concat()).unwrap();
    let (code, told, complaints) = scan(&program, &["--story", "two.toml", "--to", server.url()]).await;
    assert_eq!((code, complaints.as_str()), (Some(0), ""), "{told}");
    assert!(told.ends_with("\n4 posts, 4 as expected\n"), "{told}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_own_address_may_have_a_path_and_a_given_one_is_the_webhook() {
    let folder = TempDir::new().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let below = format!("http://{}/shop", listener.local_addr().unwrap());
    let told_back = Router::new().fallback(|uri: Uri| async move { uri.path().to_owned() });
    tokio::spawn(axum::serve(listener, told_back).into_future());
    let program = program(folder.path()).set("MILEPOST_PUBLIC_URL", &below);
    for (more, path) in [(&[][..], "/shop/webhooks/fedex"), (&["--to", &below], "/shop")] {
        let (code, told, complaints) = scan(&program, &delivered("fedex", more)).await;
        assert_eq!((code, told, complaints.as_str()), (Some(0), format!("200 OK {path}\n"), ""));
    }
}
