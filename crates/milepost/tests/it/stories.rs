//! Tests `milepost scan --story`: plays every story of the repository against a server, and checks the errors for
//! invalid ones.

use std::{fs, path::Path};

use serde_json::json;
use tempfile::TempDir;
use tests::process::{Program, Server};

use crate::installation::{CUSTOMER, on_postgres, program, support, with_all_senders};

const STORIES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../stories");

/// The arguments of a scan without a story.
const ONE: [&str; 6] = ["--carrier", "fedex", "--tracking", "1", "--status", "delivered"];

/// Plays a story against the server. Returns the exit code, stdout and stderr.
async fn play(
    program: &Program,
    server: &Server,
    file: &Path,
    more: &[&str],
) -> (Option<i32>, String, String) {
    let file = file.to_str().expect("a path that is text");
    let to = ["scan", "--story", file, "--to", server.url(), "--speed", "1000"];
    let output = program.run(&[&to[..], more].concat()).await;
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// Plays all stories of the repository on one installation.
async fn play_all(program: &Program) {
    let server = program.serve(&[]).await;
    let token = program.token(&["--role", "system"]).await;
    let mut files: Vec<_> =
        fs::read_dir(STORIES).expect("stories").map(|entry| entry.expect("a story").path()).collect();
    files.sort();
    assert!(files.len() >= 6, "{files:?}");
    for file in files {
        let (code, told, complaints) = play(program, &server, &file, &["--orders", "--token", &token]).await;
        let file = file.display();
        assert_eq!((code, complaints.as_str()), (Some(0), ""), "{file}\n{told}");
        let closing = told.lines().last().expect("a closing line");
        let numbers: Vec<usize> = closing.split(' ').filter_map(|word| word.parse().ok()).collect();
        let [posts, as_expected, ends, as_told] = numbers[..] else { panic!("{file}: {closing}") };
        assert_eq!((posts, ends), (as_expected, as_told), "{file}\n{told}");
        assert!(posts > 0 && ends > 0 && !told.contains('✗'), "{file}\n{told}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_shipped_story_ends_as_it_says_on_sqlite() {
    let folder = TempDir::new().unwrap();
    play_all(&with_all_senders(program(folder.path()))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_shipped_story_ends_as_it_says_on_postgres() {
    let Some(database) = tests::database::Database::postgres().await else { return };
    let folder = TempDir::new().unwrap();
    play_all(&with_all_senders(on_postgres(folder.path(), &database.url))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_story_that_goes_another_way_is_told_and_fails() {
    let folder = TempDir::new().unwrap();
    let program = program(folder.path());
    let server = program.serve(&[]).await;
    let token = program.token(&["--role", "system"]).await;
    let file = folder.path().join("story.toml");
    let story = r#"
        title = "A story that is wrong about its ends"
        order_ends = "delivered"
        [[parcel]]
        name = "mug"
        sender = "fedex"
        tracking = "794600000001"
        ends = "out_for_delivery"
        [[step]]
        send = [{ parcel = "mug", status = "out_for_delivery", at = "-1h" }]
        repeat = 2
        [[step]]
        send = [{ parcel = "mug", status = "delivered", at = "-1h" }]
        forge = "signature"
        expect = 200
    "#;
    fs::write(&file, story).unwrap();
    let (code, told, complaints) = play(&program, &server, &file, &["--orders", "--token", &token]).await;
    assert_eq!((code, complaints.as_str()), (Some(1), "error: not everything was as the story has it\n"));
    let expected = "\
A story that is wrong about its ends
  mug: FedEx 794600000001
  order ORDER

   1  fedex      mug  out_for_delivery               ✓ 200 stored
   2  fedex      mug  the same again                 ✓ 200 stored
   3  fedex      mug  delivered (forged: signature)  ✗ 401 ANSWER, 200 was expected; has the server the same secret?

  mug    ✓ out_for_delivery
  order  ✗ out_for_delivery, delivered was expected

3 posts, 2 as expected; 2 ends, 1 as told
";
    let order = told.lines().nth(2).unwrap();
    let shown = told.replacen(order, "  order ORDER", 1);
    let answer = shown.split_once("✗ 401 ").unwrap().1.split_once(", 200").unwrap().0.to_owned();
    assert_eq!(shown.replacen(&answer, "ANSWER", 1), expected, "{told}");

    // The tracking number is in use now. The program reports that and posts nothing.
    let (code, told, complaints) = play(&program, &server, &file, &["--orders", "--token", &token]).await;
    assert_eq!(code, Some(1), "{told}");
    assert!(
        complaints.starts_with("error: --orders: parcel mug\n  cause: refused, NUMBER_IN_USE: "),
        "{complaints}"
    );
    assert!(!told.contains("200 stored"), "{told}");
    // The order exists although its parcel could not be registered.
    let left = told.lines().last().unwrap();
    let (id, page) = left.strip_prefix("  order ").unwrap().split_once(", placed and not packed: ").unwrap();
    assert!(page.contains("/track/"), "{left}");
    let staff = support(&program, &server).await;
    assert_eq!(
        staff.order(id, "status shipments { id }").await,
        json!({"status": "PROCESSING", "shipments": []})
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_file_and_bad_arguments_are_refused_before_anything_is_posted() {
    let folder = TempDir::new().unwrap();
    let program = program(folder.path());
    let file = folder.path().join("story.toml");
    fs::write(&file, "title = 'x'\n[[parcel]]\nname = 'mug'\nsender = 'fedex'\n[[step]]\nsend = [{ parcel = 'mug', status = 'deliverd', at = '-1h' }]\nrepeet = 2\n").unwrap();
    let path = file.to_str().unwrap();
    // No server listens there. If the program tried to post, the exit code would be 1.
    let nowhere = ["--to", "http://127.0.0.1:1"];
    let refused = async |arguments: &[&str]| {
        let output = program.run(&[&["scan"], arguments, &nowhere[..]].concat()).await;
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    assert_eq!(
        refused(&["--story", path]).await,
        format!(
            "error: {path}: step 1, repeet: there is no such field; did you mean repeat?\n\
             error: {path}: step 1, send 1, status: `deliverd` is no status or condition of a parcel; did you mean delivered?\n"
        )
    );
    assert!(
        refused(&["--story", "none.toml"]).await.starts_with("error: --story: none.toml cannot be read: ")
    );
    let shuffled = format!("{STORIES}/shuffled.toml");
    let twins = folder.path().join("twins.toml");
    fs::write(&twins, "title = 'x'\n[[parcel]]\nname = 'mug'\nsender = 'fedex'\n[[parcel]]\nname = 'pot'\nsender = 'fedex'\n[[step]]\nsend = [{ parcel = 'mug', status = 'delivered', at = '-1h' }]\n").unwrap();
    let twins = twins.to_str().unwrap();
    for (arguments, complaint) in [
        (&["--story", &shuffled, "--tracking", "teapott=1"][..], "did you mean teapot?"),
        (
            &["--story", twins, "--tracking", "mug=1", "--tracking", "pot=1"],
            "--tracking: parcels mug and pot have the same number",
        ),
        (&["--story", &shuffled, "--secret", "hush"], "--secret: in a story it is like fedex=SECRET"),
        (&["--story", &shuffled, "--carrier", "fedex"], "cannot be used with"),
        (&["--story", &shuffled, "--orders"], "--token"),
        (&["--carrier", "fedex", "--tracking", "1", "--status", "deliverd"], "did you mean delivered?"),
        (
            &["--carrier", "fedex", "--tracking", "1", "--tracking", "2", "--status", "delivered"],
            "--tracking: is needed once",
        ),
        (
            &["--carrier", "fedex", "--tracking", "1", "--parcel-carrier", "ups", "--status", "delivered"],
            "--parcel-carrier: fedex reports on its own parcels only",
        ),
        (&["--carrier", "fedex"], "--status"),
        (&["--carrier", "fedex", "--tracking", "", "--status", "delivered"], "--tracking: `` cannot be a"),
        (
            &["--carrier", "fedex", "--tracking", "!!", "--status", "delivered"],
            "--tracking: `!!` cannot be a",
        ),
        (&[&ONE[..], &["--speed", "2"]].concat(), "cannot be used with"),
        (&[&ONE[..], &["--orders"]].concat(), "cannot be used with"),
        (&[&ONE[..], &["--orders", "--token", "x"]].concat(), "cannot be used with"),
        (&[&ONE[..], &["--token", "x"]].concat(), "cannot be used with"),
        (&[&ONE[..], &["--email", "kim@example.com"]].concat(), "cannot be used with"),
    ] {
        let said = refused(arguments).await;
        assert!(said.contains(complaint), "{arguments:?}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_or_an_address_that_is_refused_is_named_and_nothing_else_is_shown() {
    let folder = TempDir::new().unwrap();
    let program = program(folder.path());
    let server = program.serve(&[]).await;
    let [system, customer, supplier] = [
        program.token(&["--role", "system"]).await,
        program.token(&["--role", "customer", "--user", CUSTOMER]).await,
        program.token(&["--role", "supplier", "--supplier", "ACME"]).await,
    ];
    let file = Path::new(STORIES).join("in-order.toml");
    let unauthenticated =
        "--token: refused, UNAUTHENTICATED: the token is malformed: it is no JSON Web Token";
    for (token, more, complaint) in [
        ("nonsense", &[][..], unauthenticated),
        (&customer, &[], "--token: refused, Forbidden: "),
        (&supplier, &[], "--token: refused, Forbidden: "),
        (&system, &["--email", "nobody"], "--email: refused, InvalidInput: that is not an e-mail address"),
    ] {
        let orders = [&["--orders", "--token", token], more].concat();
        let (code, told, complaints) = play(&program, &server, &file, &orders).await;
        assert_eq!(code, Some(2), "{complaints}");
        assert!(complaints.starts_with(&format!("error: {complaint}")), "{complaints}");
        assert!(complaints.lines().count() == 1 && !complaints.contains(['{', '}']), "{complaints}");
        assert!(!told.contains("stored"), "{told}");
    }
    server.stop().await;
}
