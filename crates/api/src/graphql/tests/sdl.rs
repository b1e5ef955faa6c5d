//! Tests of `schema.graphql`, the schema that is checked in.

use crate::graphql::sdl;

#[test]
fn the_schema_is_checked_in() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../schema.graphql");
    let checked_in = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        checked_in == sdl(),
        "schema.graphql is not what the code says: `cargo run -- schema > schema.graphql`"
    );
}

#[test]
fn everything_is_described() {
    let sdl = sdl();
    let lines: Vec<&str> = sdl.lines().collect();
    for (at, line) in lines.iter().enumerate() {
        let declares = line.trim_start().chars().next().is_some_and(char::is_alphabetic)
            && !line.starts_with("schema")
            && !line.starts_with("  query:")
            && !line.starts_with("  mutation:")
            && !line.starts_with("  subscription:");
        let inside_a_description = lines[..at].iter().filter(|line| line.trim() == "\"\"\"").count() % 2 == 1;
        if declares && !inside_a_description {
            let above = lines[at - 1].trim();
            assert!(above.ends_with('"'), "no description of: {line}");
        }
    }
}
