# syntax=docker/dockerfile:1
# One image for every role: `milepost serve --role api`, `--role worker`, `milepost migrate`.

FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
# The caches outlive the image layers, so a second build compiles what changed; the binary is copied out of them.
# The compiled code has a name of its own: by default a cache is shared by every Dockerfile that uses the same path.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,id=milepost-target,target=/src/target,sharing=locked \
    cargo build --release --locked -p milepost \
    && cp target/release/milepost /usr/local/bin/milepost

FROM debian:bookworm-slim
# ca-certificates for TLS to mail servers and carriers, curl for the health check.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates curl \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /var/lib/milepost --create-home milepost
COPY --from=build /usr/local/bin/milepost /usr/local/bin/milepost
# By number: Kubernetes checks `runAsNonRoot` before it starts the container, and cannot look a name up.
USER 10001
WORKDIR /var/lib/milepost
# Reachable from outside the container. With such an address the server asks for MILEPOST_JWT_SECRET.
ENV MILEPOST_LISTEN=0.0.0.0:8080
EXPOSE 8080
# The server finishes what runs, for up to 30 s; give it that long (docker stop --time 35).
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["curl", "--fail", "--silent", "--show-error", "--output", "/dev/null", "http://127.0.0.1:8080/readyz"]
ENTRYPOINT ["milepost"]
CMD ["serve"]
