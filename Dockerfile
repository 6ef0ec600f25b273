# The server as an image: built with the whole toolchain, run on distroless (CA certificates and libgcc; no shell, no root).
#   docker build -t yijiao .        docker run yijiao serve

FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY . .
# The caches stay out of the image; what is to remain is copied out of them.
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/src/target \
    cargo build --locked --release --bin yijiao && install -D target/release/yijiao /out/yijiao

FROM busybox:1.37-musl AS probe

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /out/yijiao /usr/local/bin/yijiao
COPY --from=build /src/config /etc/yijiao/config
# One static program, for health checks only.
COPY --from=probe /bin/busybox /usr/local/bin/wget
WORKDIR /etc/yijiao
# Inside the container's own network; compose.yaml and `docker run -p` decide who reaches it.
ENV YIJIAO_HTTP__HOST=0.0.0.0 YIJIAO_HTTP__PORT=8080
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["/usr/local/bin/wget", "-q", "-O", "/dev/null", "http://127.0.0.1:8080/healthz"]
ENTRYPOINT ["/usr/local/bin/yijiao"]
CMD ["serve"]
