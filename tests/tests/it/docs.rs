//! Tests that the documents agree with the code: generated parts are up to date, named files exist, and all settings
//! are listed.
//!
//! With `UPDATE_DOCS=1` the test writes the generated part of ARCHITECTURE.md; `just generate` does that.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
};

use domain::{OrderStatus, TRANSITIONS};

const BEGIN: &str = "<!-- transitions: generated from domain::TRANSITIONS, see tests/tests/it/docs.rs -->\n";
const END: &str = "<!-- transitions: end -->\n";

#[test]
fn architecture_shows_the_table_of_transitions() {
    let path = root().join("ARCHITECTURE.md");
    let text = read(&path);
    let (before, rest) = text.split_once(BEGIN).expect("ARCHITECTURE.md has the mark where the table begins");
    let (shown, after) = rest.split_once(END).expect("ARCHITECTURE.md has the mark where the table ends");
    let expected = transitions();
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, [before, BEGIN, &expected, END, after].concat())
            .expect("ARCHITECTURE.md is written");
    } else {
        assert_eq!(shown, expected, "run `just generate`, or this test with UPDATE_DOCS=1");
    }
}

#[test]
fn what_the_documents_name_is_there() {
    let mut missing = Vec::new();
    for document in documents() {
        let text = read(&document);
        let folder = document.parent().expect("a document lies in a folder");
        let named = quoted_paths(&text).map(|path| root().join(path));
        let linked = links(&text).map(|link| folder.join(link));
        let gone = named.chain(linked).filter(|path| !path.exists());
        missing.extend(gone.map(|path| format!("{}: {}", document.display(), path.display())));
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn the_configuration_page_lists_every_setting_with_its_default() {
    let page = read(&root().join("docs/configuration.md"));
    let example = read(&root().join(".env.example"));
    let mut unset = false;
    for line in example.lines() {
        let Some((name, value)) = line.strip_prefix("#MILEPOST_").and_then(|line| line.split_once('='))
        else {
            unset = line.contains("Unset:") || (unset && line.starts_with("# "));
            continue;
        };
        // docs/configuration.md has one row for all secrets of a rotation.
        if name.ends_with(|last: char| last.is_ascii_digit()) {
            continue;
        }
        let row = page.lines().find(|row| row.starts_with(&format!("| `MILEPOST_{name}` |")));
        let row = row.unwrap_or_else(|| panic!("docs/configuration.md has no row for MILEPOST_{name}"));
        let value = value.trim_matches('"');
        let default = row.split('|').nth(2).map(str::trim);
        let expected = if unset || value.is_empty() { "unset".to_owned() } else { format!("`{value}`") };
        assert_eq!(default, Some(expected.as_str()), "MILEPOST_{name}");
    }
}

/// The README is the first page that a visitor reads. Details belong in docs.
const README_LINES: usize = 160;
const README_BYTES: usize = 9_216;

#[test]
fn the_readme_stays_short() {
    let readme = read(&root().join("README.md"));
    let (lines, bytes) = (readme.lines().count(), readme.len());
    assert!(lines <= README_LINES, "README.md has {lines} lines, {README_LINES} are allowed");
    assert!(bytes <= README_BYTES, "README.md has {bytes} bytes, {README_BYTES} are allowed");
}

#[test]
fn the_api_page_shows_the_clients_that_are_tested() {
    let page = read(&root().join("docs/api.md"));
    for client in ["graphql-ws", "apollo", "urql"] {
        let code = read(&root().join(format!("tests/clients/follow/{client}.js")));
        let shown = page.contains(&format!("```js\n{code}```\n"));
        assert!(shown, "docs/api.md does not show tests/clients/follow/{client}.js as it is");
    }
}

/// The settings that are fixed in containers: the server's own address in the image, the addresses of the other
/// services in docker-compose.yml.
const FIXED_IN_CONTAINERS: [&str; 3] = ["LISTEN", "DATABASE_URL", "REDIS_URL"];

#[test]
fn compose_passes_every_setting_on() {
    let (example, compose) = (read(&root().join(".env.example")), read(&root().join("docker-compose.yml")));
    let listed = example.lines().filter_map(|line| line.strip_prefix("#MILEPOST_")?.split_once('='));
    // Two secrets, the plain one and `_1`, are enough to change a secret in containers.
    let wanted: BTreeSet<String> = listed
        .map(|(name, _)| name.trim_end_matches(|end: char| end.is_ascii_digit() || end == '_'))
        .filter(|name| !FIXED_IN_CONTAINERS.contains(name))
        .flat_map(|name| {
            let rotates = name.starts_with("WEBHOOK_SECRET_") || name.ends_with("_CLIENT_SECRET");
            [Some(name.to_owned()), rotates.then(|| format!("{name}_1"))]
        })
        .flatten()
        .collect();
    let passed = compose.lines().filter_map(|line| line.trim().strip_prefix("MILEPOST_")?.split_once(": "));
    let passed: BTreeSet<String> = passed
        .filter(|(name, value)| value.starts_with(&format!("${{MILEPOST_{name}:-")))
        .map(|(name, _)| name.to_owned())
        .collect();
    assert_eq!(passed, wanted, "docker-compose.yml on the left, .env.example on the right");
}

/// Returns the table of transitions and a diagram of them, as Markdown.
fn transitions() -> String {
    let mut table = "\n| from | to |\n|---|---|\n".to_owned();
    let mut diagram = "\n```mermaid\nstateDiagram-v2\n    [*] --> placed\n".to_owned();
    for from in OrderStatus::ALL {
        let next: Vec<_> = from.successors().map(|to| format!("`{to}`")).collect();
        let next = if next.is_empty() { "nothing".to_owned() } else { next.join(", ") };
        table += &format!("| `{from}` | {next} |\n");
    }
    for (from, to) in TRANSITIONS {
        diagram += &format!("    {from} --> {to}\n");
    }
    for end in OrderStatus::ALL.into_iter().filter(|status| status.is_terminal()) {
        diagram += &format!("    {end} --> [*]\n");
    }
    table + &diagram + "```\n\n"
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this package lies in the repository").to_owned()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Returns the documents in the root and all Markdown files in docs.
fn documents() -> Vec<PathBuf> {
    const IN_ROOT: [&str; 5] =
        ["README.md", "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"];
    let mut found: Vec<_> = IN_ROOT.iter().map(|name| root().join(name)).collect();
    let mut folders = vec![root().join("docs")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("the folder of the documents") {
            let path = entry.expect("an entry of the folder").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                found.push(path);
            }
        }
    }
    found
}

/// Returns the paths of this repository in backticks, such as `crates/app/src/orders.rs`.
fn quoted_paths(text: &str) -> impl Iterator<Item = &str> {
    const TOP: [&str; 8] =
        ["crates/", "migrations/", "tests/", "scripts/", "bench/", "docs/", ".ci/", ".config/"];
    let quoted = text.split('`').skip(1).step_by(2);
    quoted.filter(|path| TOP.iter().any(|top| path.starts_with(top)) && !path.contains(char::is_whitespace))
}

/// Returns the targets of links between the documents, without the part after `#`.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let inside = targets.filter(|target| !target.contains(':') && !target.starts_with('#'));
    inside.filter_map(|target| target.split('#').next())
}
