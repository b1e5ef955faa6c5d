# Recipes for people. Continuous integration runs .ci/run, which needs no just.

set shell := ["bash", "-euo", "pipefail", "-c"]

[private]
default:
    @just --list --unsorted

# The main job before your eyes: seeded orders, a simulated carrier, no services needed
demo *args:
    cargo run -- demo {{ args }}

# The server on SQLite, everything in one process
serve *args:
    cargo run -- serve {{ args }}

# One api and one worker process on a private PostgreSQL and Redis, until Ctrl-C
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

# A file of scans against a server that runs here, with an order of its own: `just story stories/forged.toml`
story file *args:
    cargo run -- scan --story {{ file }} --orders --token "$(cargo run --quiet -- token --role system)" {{ args }}

# All tests, or those the arguments choose
test *args:
    scripts/test {{ args }}

# The linters of .ci/run
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- --deny warnings

# Formats the code
format:
    cargo fmt --all

# Everything that continuous integration runs
ci:
    .ci/run

# Writes schema.graphql anew
schema:
    cargo run --quiet -p milepost -- schema > target/schema.graphql
    mv target/schema.graphql schema.graphql

# Writes everything anew that is generated and checked in: schema.graphql, the transitions in ARCHITECTURE.md
generate: schema
    UPDATE_DOCS=1 cargo test --quiet -p tests --test it docs::

# Measures, on PostgreSQL with its default durability
bench *args:
    scripts/services --durable run -- cargo run --release -p bench -- {{ args }}

# A private PostgreSQL and Redis for `cargo nextest run` in another terminal; prints their addresses, Ctrl-C ends them
services:
    @scripts/services env

# Any bytes into every parser, so many seconds each; needs nightly Rust and cargo-fuzz
fuzz *args:
    scripts/fuzz {{ args }}

# The crates' documentation, with broken links denied
docs-check:
    RUSTDOCFLAGS="--deny warnings" cargo doc --workspace --no-deps

# Licences, known vulnerabilities and sources of the dependencies; needs cargo-deny
deny:
    cargo deny check

# The whole installation in containers: PostgreSQL, Redis, a mail catcher, api, worker
up:
    docker compose up --build --wait
