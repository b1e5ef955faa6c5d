# Recipes for developers. Continuous integration runs .ci/run, which does not need just.

set shell := ["bash", "-euo", "pipefail", "-c"]

[private]
default:
    @just --list --unsorted

# Shows the main job on the terminal, with orders and simulated carriers; needs no services
demo *args:
    cargo run -- demo {{ args }}

# Runs the server on SQLite, everything in one process
serve *args:
    cargo run -- serve {{ args }}

# Runs one api and one worker process on a private PostgreSQL and Redis, until Ctrl-C
serve-split:
    cargo build
    scripts/services run -- just _serve-split

[private]
_serve-split:
    #!/usr/bin/env bash
    set -euo pipefail
    export MILEPOST_DATABASE_URL=${MILEPOST_TEST_DATABASE_URL%/postgres}/milepost
    export MILEPOST_REDIS_URL=$MILEPOST_TEST_REDIS_URL
    export MILEPOST_JWT_SECRET=${MILEPOST_JWT_SECRET:-development-only-secret-of-32-bytes}
    unset "${!MILEPOST_TEST_@}"
    milepost=${CARGO_TARGET_DIR:-target}/debug/milepost
    "$milepost" migrate
    MILEPOST_LISTEN=127.0.0.1:8081 "$milepost" serve --role worker --no-migrate &
    worker=$!
    trap 'kill "$worker" 2>/dev/null || true; wait "$worker" || true' EXIT
    "$milepost" serve --role api --no-migrate

# Plays a file of scans against a server that runs here, with a new order: `just story stories/forged.toml`
story file *args:
    cargo run -- scan --story {{ file }} --orders --token "$(cargo run --quiet -- token --role system)" {{ args }}

# Runs all tests, or those that the arguments choose
test *args:
    scripts/test {{ args }}

# Runs the linters of .ci/run
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- --deny warnings

# Formats the code
format:
    cargo fmt --all

# Runs everything that continuous integration runs
ci:
    .ci/run

# Writes schema.graphql again
schema:
    cargo run --quiet -p milepost -- schema > target/schema.graphql
    mv target/schema.graphql schema.graphql

# Writes all generated files again: schema.graphql, and the transitions in ARCHITECTURE.md
generate: schema
    UPDATE_DOCS=1 cargo test --quiet -p tests --test it docs::

# Measures, on PostgreSQL with its default durability
bench *args:
    scripts/services --durable run -- cargo run --profile dist -p bench -- {{ args }}

# Starts PostgreSQL and Redis for `cargo nextest run` in another terminal, prints their addresses; Ctrl-C ends them
services:
    @scripts/services env

# Gives random bytes to every parser, for some seconds each; needs nightly Rust and cargo-fuzz
fuzz *args:
    scripts/fuzz {{ args }}

# Builds the crates' documentation, and fails on broken links
docs-check:
    RUSTDOCFLAGS="--deny warnings" cargo doc --workspace --no-deps

# Checks licences, known vulnerabilities and sources of the dependencies; needs cargo-deny
deny:
    cargo deny check

# Starts the whole installation in containers: PostgreSQL, Redis, a mail catcher, api, worker
up:
    docker compose up --build --wait
