# syntax=docker/dockerfile:1
# One static binary on an empty image.
#
#   docker build -t ghcr.io/boathook/boathook:0.1.0 .

# Pin RUST to an exact version (--build-arg RUST=1.95.0) to get the same bytes again.
ARG RUST=1
FROM rust:${RUST}-alpine AS build
# ring compiles C; musl-dev has what a static binary links against.
RUN apk add --no-cache gcc musl-dev
WORKDIR /src
# .dockerignore lets in the sources only; rust-toolchain.toml stays out, so that the image's own Rust is used.
COPY . .
# Paths of this build stay out of the binary. On Alpine Rust links musl statically.
ENV RUSTFLAGS="-C target-feature=+crt-static --remap-path-prefix=/src=. --remap-path-prefix=/usr/local/cargo=/cargo"
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --bin boathook && cp target/release/boathook /boathook
# A binary that needs a loader would not start on scratch.
RUN readelf --program-headers /boathook > /tmp/headers && ! grep INTERP /tmp/headers

FROM scratch
COPY --from=build /boathook /boathook
# Numeric, so that runAsNonRoot can be checked.
USER 65532:65532
# Also for what is run beside it: kubectl exec deployment/boathook -c boathook -- boathook deliveries
ENV PATH=/ BOATHOOK_CONFIG=/etc/boathook/config.yaml
EXPOSE 8080
ENTRYPOINT ["/boathook"]
CMD ["serve"]
