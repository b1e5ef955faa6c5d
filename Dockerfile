# syntax=docker/dockerfile:1
# One image for all roles: `milepost serve --role api`, `--role worker`, `milepost migrate`.

FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
# The caches are kept between builds, so a second build compiles only what changed. The program is copied out of the
# cache, because caches are not in the image. The cache of compiled code has an id of its own: by default all
# Dockerfiles with the same path share a cache.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,id=milepost-target,target=/src/target,sharing=locked \
    cargo build --profile dist --locked -p milepost \
    && cp target/dist/milepost /usr/local/bin/milepost

FROM debian:bookworm-slim
# ca-certificates: TLS to mail servers and carriers. curl: the health check.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates curl \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /var/lib/milepost --create-home milepost
COPY --from=build /usr/local/bin/milepost /usr/local/bin/milepost
# A number, not a name: Kubernetes checks `runAsNonRoot` before it starts the container, and cannot look up a name then.
USER 10001
WORKDIR /var/lib/milepost
# Listens on all addresses, so that the server can be reached from outside the container. MILEPOST_JWT_SECRET is needed
# then.
ENV MILEPOST_LISTEN=0.0.0.0:8080
EXPOSE 8080
# After SIGTERM the server takes up to 30 s to finish running work, so stop it with `docker stop --time 35`.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["curl", "--fail", "--silent", "--show-error", "--output", "/dev/null", "http://127.0.0.1:8080/readyz"]
ENTRYPOINT ["milepost"]
CMD ["serve"]
