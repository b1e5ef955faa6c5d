//! Tests `milepost demo` as users run it: two at the same time, with settings in the environment, until Ctrl-C.

use std::process::Stdio;

use tempfile::TempDir;
use tests::{
    process::Program,
    signal::{Signal, send_signal},
    wait::within,
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
};

const MILEPOST: &str = env!("CARGO_BIN_EXE_milepost");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_demos_side_by_side_tell_the_whole_story_and_leave_nothing() {
    let folder = TempDir::new().unwrap();
    // The demo reads no setting, not even an invalid one that all other commands would reject.
    let program = Program::new(MILEPOST, folder.path())
        .set("MILEPOST_LISTEN", "nowhere")
        .set("TMPDIR", folder.path().to_str().unwrap());
    let demos = tokio::join!(program.run(&["demo", "--once"]), program.run(&["demo", "--once"]));
    for output in [demos.0, demos.1] {
        let told = String::from_utf8(output.stdout).unwrap();
        let complaints = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), complaints.as_str()), (Some(0), ""), "{told}");
        assert!(told.contains("✓ progress: partial shipment: 2 of 3 items shipped"), "{told}");
        assert!(told.contains("all of them hold"), "{told}");
        assert!(!told.contains('\x1b'), "no colours into a pipe");
    }
    assert_eq!(folder.path().read_dir().unwrap().count(), 0);
}

#[tokio::test]
async fn ctrl_c_ends_a_demo_that_goes_on_and_its_folder_goes_with_it() {
    let folder = TempDir::new().unwrap();
    let mut demo = Command::new(MILEPOST)
        .args(["demo", "--speed", "1000"])
        .env("TMPDIR", folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(demo.stdout.take().unwrap()).lines();
    let goes_on = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if line.starts_with("   Delivered. Next is D-2002") {
                return;
            }
        }
        panic!("it ended by itself");
    };
    within("the first order after the story", goes_on).await;
    send_signal(demo.id().unwrap(), Signal::INT).unwrap();
    let ended = async {
        // Read what the demo still prints, so that it does not block or fail on a full or closed pipe.
        while lines.next_line().await.unwrap().is_some() {}
        demo.wait().await.unwrap()
    };
    assert_eq!(within("the end of the demo", ended).await.code(), Some(0));
    assert_eq!(folder.path().read_dir().unwrap().count(), 0);
}
